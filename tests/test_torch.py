"""Tensors stay in PyTorch: its values, its gradients and its transformations, by both paths.

The kernels compute plain tensors of the processor, the expressions everything else. Most tests here
run by both, and expect the bits that NumPy's arrays give.
"""

import threading
import weakref

import ml_dtypes
import numpy as np
import pytest
from bits import assert_same_bits, judge_of
from operations import dx_of, each_exact_kind, each_kind
from samples import (
    expected_derivative,
    expected_pullback,
    expected_value,
    known_sets,
    moderate,
    numbers,
    off_the_kinks,
    parameter_sets,
)

import halfwave as hw

torch = pytest.importorskip("torch")

from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.utils.checkpoint import checkpoint

from halfwave.libraries import torch_tensors

inf, nan = np.inf, np.nan
DTYPES = [np.dtype(t) for t in (np.float16, ml_dtypes.bfloat16, np.float32, np.float64)]
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
SPECIAL = [-inf, -2.0, -1.0, -0.0, 0.0, 1.0, 3.0, inf, nan]


@pytest.fixture(params=["kernels", "expression"])
def path(request, monkeypatch):
    """Which of the two ways computes plain tensors."""
    if request.param == "expression":
        monkeypatch.setattr(torch_tensors, "fits_kernels", lambda x: False)
    return request.param


def tensor(array, learns=False):
    """The same numbers as a tensor; PyTorch does not take NumPy's bfloat16."""
    if array.dtype == ml_dtypes.bfloat16:
        array = torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.as_tensor(array).clone().requires_grad_(learns)


def array(t):
    """The same numbers as a NumPy array."""
    t = t.detach()
    if t.dtype == torch.bfloat16:
        return t.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return t.numpy()


def judge_on(path, f):
    """The kernels give a tensor the bits that they give NumPy's arrays, exact or not."""
    return assert_same_bits if path == "kernels" else judge_of(f)


def special(learns=False, dtype=torch.float32):
    return torch.tensor(SPECIAL, dtype=dtype, requires_grad=learns)


def away_from_kinks(n=12, learns=True):
    """float64 numbers that a difference quotient does not carry over 0."""
    x = torch.linspace(-3, 3, n, dtype=torch.float64)
    assert (x.abs() > 0.1).all()
    return x.requires_grad_(learns)


def saved_bytes(call, *operands):
    """The bytes of all tensors that autograd keeps for the way back, and the result."""
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        result = call(*operands)
    return sum(t.nbytes for t in kept), result


# Values, slopes and gradients are those of NumPy's arrays


@each_exact_kind
@each_dtype
def test_values_and_derivatives_have_the_bits_of_numpy_s(f, dtype, path):
    x = numbers(dtype, 500)
    for parameters in parameter_sets(f, [0.01, 0.0, -0.0, 1.7, -0.3, inf, nan]):
        assert_same_bits(array(f(tensor(x), *parameters)), expected_value(f, x, *parameters))
        slopes = expected_derivative(f, x, *parameters)
        assert_same_bits(array(f.derivative(tensor(x), *parameters)), slopes)


@each_exact_kind
@each_dtype
def test_gradients_have_the_bits_of_numpy_s_pullback(f, dtype, path):
    x, g = numbers(dtype, 500), numbers(dtype, 500, seed=1)
    for parameters in parameter_sets(f, [0.01, 0.0, -0.0, 1.7, -0.3, inf]):
        expected = expected_pullback(f, x, g, *parameters)
        learning = tensor(x, learns=True)
        value = f(learning, *parameters)
        assert_same_bits(array(value), expected_value(f, x, *parameters))
        (dx,) = torch.autograd.grad(value, learning, tensor(g))
        assert_same_bits(array(dx), expected)
        for argument in (tensor(x), learning):
            value, pullback = f.vjp(argument, *parameters)
            assert_same_bits(array(value), expected_value(f, x, *parameters))
            assert_same_bits(array(pullback(tensor(g))), expected)


@each_kind
@each_dtype
def test_what_the_kernels_compute_has_the_bits_of_numpy_s_and_the_expression_is_near(
    f, dtype, path
):
    same = judge_on(path, f)
    for parameters in known_sets(f):
        x, g = numbers(dtype, 500), numbers(dtype, 500, seed=1)
        if path == "expression":  # a slope that is 0 there alone stops an infinite g
            x, g = off_the_kinks(f, x, parameters), moderate(g)
        learning = tensor(x, learns=True)
        value = f(learning, *parameters)
        same(array(value), f(x, *parameters))
        same(array(f.derivative(tensor(x), *parameters)), f.derivative(x, *parameters))
        (dx,) = torch.autograd.grad(value, learning, tensor(g))
        same(array(dx), dx_of(f.vjp(x, *parameters)[1](g)))


@each_kind
def test_the_slope_at_a_kink_is_chosen_as_in_numpy(f, path):
    for at_kink in ("left", "right", 0.25):
        actual = f.derivative(special(), at_kink=at_kink)
        expected = f.derivative(np.array(SPECIAL, "f4"), at_kink=at_kink)
        judge_of(f)(array(actual), expected)


def test_integers_become_what_numpy_makes_of_them(path):
    for dtype in (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64):
        x = torch.tensor([0, 1, 5, 100], dtype=dtype)
        assert hw.relu(x).dtype == dtype
        assert hw.relu(x).tolist() == x.tolist()
        assert hw.leaky_relu(x).dtype == torch.get_default_dtype()
    assert hw.relu(torch.tensor([-3, 3])).tolist() == [0, 3]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: hw.relu(torch.tensor([True])), "relu does not take torch.bool"),
        (lambda: hw.relu(torch.tensor([1j])), "relu does not take torch.complex64"),
        (lambda: hw.relu(torch.ones(3), out=torch.ones(3)), "no out= for arrays of torch"),
        (lambda: hw.leaky_relu(torch.ones(3), torch.tensor(1j)), "alpha has dtype torch.complex64"),
        (lambda: hw.leaky_relu(torch.ones(3), negative_slope=1), "here it is called alpha"),
        (lambda: hw.relu.vjp(torch.ones(3))[1](torch.tensor(1j)), "g has dtype torch.complex64"),
    ],
)
def test_a_mistake_is_told(call, said):
    with pytest.raises(TypeError, match=said):
        call()


# The way back


def test_one_bit_per_element_is_kept(path):
    x = torch.randn(10_000, requires_grad=True)
    for f in (hw.relu, hw.leaky_relu, lambda x: hw.leaky_relu(x, torch.tensor(0.3))):
        kept, _ = saved_bytes(f, x)
        assert kept == 1258 if path == "kernels" else x.nbytes <= kept < x.nbytes + 8
    assert hw.leaky_relu.vjp(x.detach())[1].nbytes == (1258 if path == "kernels" else 40_004)


def test_the_count_of_what_is_kept_sees_what_pytorch_s_own_keep():
    x = torch.randn(10_000, requires_grad=True)
    for f in (torch.relu, torch.nn.functional.leaky_relu):
        assert saved_bytes(f, x)[0] == x.nbytes


def test_the_argument_is_forgotten():
    hidden = torch.randn(100, requires_grad=True) * 2
    gone = weakref.ref(hidden)
    value = hw.relu(hidden)
    del hidden
    assert gone() is None
    value.sum().backward()


def test_the_way_back_is_not_changed_by_what_happens_to_the_argument():
    x = special(learns=True)
    hidden = x * 1
    value = hw.leaky_relu(hidden, 0.5)
    hidden.fill_(7.0)
    (dx,) = torch.autograd.grad(value.sum(), x)
    assert dx.tolist() == [0.5] * 5 + [1.0] * 4


def test_an_argument_that_is_kept_and_changed_is_reported(monkeypatch):
    monkeypatch.setattr(torch_tensors, "fits_kernels", lambda x: False)
    hidden = special(learns=True) * 1
    value = hw.leaky_relu(hidden, 0.5)
    hidden.fill_(7.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.sum().backward()


def test_the_result_may_be_changed_in_place(path):
    x = special(learns=True)
    hw.leaky_relu(x, 0.5).mul_(2).sum().backward()
    assert x.grad.tolist() == [1.0] * 5 + [2.0] * 4


def test_a_second_way_back_through_a_graph_that_is_freed_is_refused(path):
    loss = hw.relu(special(learns=True)).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_a_slope_of_nothing_passes_nothing_and_no_infinity_becomes_nan(path):
    x = special(learns=True)
    (dx,) = torch.autograd.grad(hw.relu(x), x, torch.full((9,), inf))
    assert dx.tolist() == [0, 0, 0, 0, 0, inf, inf, inf, inf]
    alpha = torch.tensor(0.0, requires_grad=True)
    (dalpha,) = torch.autograd.grad(hw.leaky_relu(x, alpha).nan_to_num(0, 0, 0).sum(), alpha)
    assert torch.isfinite(dalpha)


def test_gradients_are_right_twice_and_in_batches(path):
    x = away_from_kinks()
    for f in (hw.relu, lambda x: hw.leaky_relu(x, -0.3)):
        assert gradcheck(f, x, check_batched_grad=True)
        assert gradgradcheck(f, x, check_batched_grad=True)
        assert gradcheck(lambda x, f=f: f(x) ** 3, x)
        assert gradgradcheck(lambda x, f=f: f(x) ** 3, x)


@pytest.mark.parametrize("shape", [(), (12,), (3, 1), (1, 4), (4,)], ids=str)
def test_gradients_are_right_with_respect_to_alpha(shape):
    x = away_from_kinks().detach().reshape(-1, *shape[1:2] and (4,) or ()).requires_grad_()
    if shape == (4,):
        x = x.detach().reshape(3, 4).requires_grad_()
    alpha = torch.linspace(-0.4, 1.7, int(np.prod(shape)), dtype=torch.float64)
    alpha = alpha.reshape(shape).requires_grad_()
    assert gradcheck(hw.leaky_relu, (x, alpha), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(hw.leaky_relu, (x, alpha), check_fwd_over_rev=True)


def test_the_slope_itself_has_a_gradient_with_respect_to_alpha_even_at_zero():
    x = away_from_kinks()
    for value in (0.0, 0.3):
        alpha = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        (dx,) = torch.autograd.grad(hw.leaky_relu(x, alpha).sum(), x, create_graph=True)
        assert torch.autograd.grad(dx.sum(), alpha)[0].item() == 6.0
        assert torch.autograd.grad(hw.leaky_relu.derivative(x, alpha).sum(), alpha)[0].item() == 6.0


def test_one_number_of_pytorch_s_is_as_good_as_python_s():
    x = torch.randn(1000, requires_grad=True)
    number = torch.tensor(0.3, dtype=torch.float64)
    assert torch.equal(hw.leaky_relu(x, number), hw.leaky_relu(x, 0.3))
    assert saved_bytes(hw.leaky_relu, x, number)[0] == saved_bytes(hw.leaky_relu, x, 0.3)[0]


def test_numbers_and_numpy_arrays_join_a_tensor():
    alpha = torch.tensor([0.5, 0.25], requires_grad=True)
    value = hw.leaky_relu(np.array([-2.0, 4.0], "f4"), alpha)
    assert value.tolist() == [-1.0, 4.0]
    assert torch.autograd.grad(value.sum(), alpha)[0].tolist() == [-2.0, 0.0]
    assert hw.leaky_relu(-2.0, alpha).tolist() == [-1.0, -0.5]
    x = torch.tensor([-2.0, -4.0])
    assert hw.leaky_relu(x, np.array([0.5, 0.25])[::-1]).tolist() == [-0.5, -2.0]


def test_gradients_come_back_the_same_in_many_threads(path):
    x = torch.randn(1000)
    expected = hw.leaky_relu.derivative(x, 0.3)
    wrong = []

    def work():
        for _ in range(20):
            learning = x.clone().requires_grad_()
            hw.leaky_relu(learning, 0.3).sum().backward()
            if not torch.equal(learning.grad, expected):
                wrong.append(learning.grad)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints_compute_it_again(reentrant, path):
    x = torch.randn(50, requires_grad=True)
    kept, value = saved_bytes(lambda: checkpoint(hw.leaky_relu, x, 0.3, use_reentrant=reentrant))
    assert kept in (0, x.nbytes)
    (dx,) = torch.autograd.grad(value.sum(), x) if not reentrant else (None,)
    if reentrant:
        value.sum().backward()
        dx = x.grad
    assert torch.equal(dx, hw.leaky_relu.derivative(x.detach(), 0.3))


# Transformations


def test_the_transformations_of_torch_func(path):
    x, f = special(dtype=torch.float64), lambda x: hw.leaky_relu(x, 0.5)
    slopes = [0.5] * 5 + [1.0] * 4
    assert (
        torch.func.grad(lambda x: f(x).nan_to_num(0, 0, 0).sum())(x)[1:-2].tolist() == slopes[1:-2]
    )
    assert torch.func.vmap(torch.func.grad(f))(x).tolist() == slopes
    assert torch.func.vmap(f)(x.reshape(3, 3)).flatten()[:-1].tolist() == f(x)[:-1].tolist()
    value, tangent = torch.func.jvp(f, (x,), (torch.ones_like(x),))
    assert tangent.tolist() == slopes
    assert value[:-1].tolist() == f(x)[:-1].tolist()
    assert torch.func.jacrev(f)(x).diagonal().tolist() == slopes
    assert torch.func.jacfwd(f)(x).diagonal().tolist() == slopes


def test_second_derivatives_by_torch_func():
    x = away_from_kinks(learns=False)
    below = (x[x < 0] ** 2).sum()
    for second in (torch.func.hessian, lambda f: torch.func.jacrev(torch.func.jacrev(f))):
        by_x = second(lambda x: (hw.leaky_relu(x, 0.5) ** 2).sum())(x)
        assert torch.allclose(by_x.diagonal(), 2 * hw.leaky_relu.derivative(x, 0.5) ** 2)
        alpha = torch.tensor(0.0, dtype=torch.float64)
        by_alpha = second(lambda a: (hw.leaky_relu(x, a) ** 2).sum())(alpha)
        assert torch.allclose(by_alpha, 2 * below)


def test_one_alpha_for_each_in_vmap():
    x, alpha = away_from_kinks(learns=False).reshape(3, 4), torch.tensor([0.1, 0.2, 0.3])
    each = torch.func.vmap(hw.leaky_relu)(x, alpha)
    assert torch.equal(each, hw.leaky_relu(x, alpha[:, None]))
    slopes = torch.func.vmap(torch.func.grad(lambda x, a: hw.leaky_relu(x, a).sum(), 1))(x, alpha)
    assert torch.allclose(slopes, (x * (x < 0)).sum(1).float())


def test_forward_mode(path):
    for f in (hw.relu, hw.leaky_relu):
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(special(), torch.full((9,), 2.0))
            value, tangent = forward_ad.unpack_dual(f(dual))
        assert torch.equal(value.nan_to_num(), f(special()).nan_to_num())
        slopes = f.derivative(special())
        assert tangent.tolist() == [*(2 * slopes[:-1]).tolist(), 2.0]


@pytest.mark.filterwarnings("ignore")  # torch.jit is deprecated, and warns of constants
def test_a_trace_holds_the_operations_and_not_one_result():
    example, x = torch.randn(5), torch.randn(5)
    from torch.fx.experimental.proxy_tensor import make_fx

    def f(x):
        return hw.leaky_relu(x, torch.tensor(0.3))

    for traced in (torch.jit.trace(f, example), make_fx(f)(example)):
        assert torch.equal(traced(x), f(x))


@pytest.mark.filterwarnings("error:Dynamo")
def test_torch_compile_breaks_the_graph_cleanly():
    def network(x):
        return hw.leaky_relu(x * 2, 0.3) + 1

    x = torch.randn(50, requires_grad=True)
    torch._dynamo.reset()
    compiled = torch.compile(network, backend="aot_eager")
    assert torch.equal(compiled(x), network(x))
    (dx,) = torch.autograd.grad(compiled(x).sum(), x)
    assert torch.equal(dx, torch.autograd.grad(network(x).sum(), x)[0])


def test_torch_compile_takes_all_of_it_where_the_function_is_allowed_in_the_graph():
    torch._dynamo.reset()
    torch.compiler.allow_in_graph(hw.leaky_relu)
    x = torch.randn(50, requires_grad=True)
    compiled = torch.compile(lambda x: hw.leaky_relu(x, 0.3), fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(x), hw.leaky_relu(x, 0.3))
    (dx,) = torch.autograd.grad(compiled(x).sum(), x)
    assert torch.equal(dx, hw.leaky_relu.derivative(x, 0.3).detach())


# Tensors of every kind


def test_tensors_without_memory_are_computed_by_the_expression():
    nothing = torch._efficientzerotensor(5)  # what autograd makes where no gradient comes
    assert hw.leaky_relu(nothing).tolist() == [0.0] * 5
    x = torch.tensor([1.0, -2.0, 3.0, 0.0, -5.0], requires_grad=True)
    hw.leaky_relu(x).backward(nothing)
    assert x.grad.tolist() == [0.0] * 5
    assert hw.leaky_relu.vjp(x.detach())[1](nothing).tolist() == [0.0] * 5


LAYOUTS = {
    "transposed": lambda: torch.randn(4, 5).T,
    "channels last": lambda: torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "in any order": lambda: torch.randn(2, 3, 4, 5).permute(2, 0, 3, 1),
    "sliced": lambda: torch.randn(6, 7)[::2, 1::3],
    "repeated": lambda: torch.randn(3, 1).expand(3, 4),
    "empty": lambda: torch.randn(0, 3),
    "one number": lambda: torch.tensor(-2.0),
    "at an offset": lambda: torch.randn(30)[1:],
    "with the sign changed": lambda: torch.randn(9, dtype=torch.complex64).conj().imag,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@each_kind
def test_every_layout_of_the_argument_and_of_the_gradient(f, layout, path):
    x = LAYOUTS[layout]().detach()
    like = torch.relu(x)
    value = f(x)
    assert (value.shape, value.stride()) == (like.shape, like.stride())
    # Only the expression computes numbers that are kept with their sign changed.
    same = judge_on("expression" if x.is_neg() else path, f)
    same(array(value), expected_value(f, array(x.resolve_neg())))
    for g in (torch.randn(x.shape), torch.randn(x.shape[::-1]).permute([*range(x.ndim)][::-1])):
        learning = x.clone().requires_grad_()
        (dx,) = torch.autograd.grad(f(learning[...]), learning, g)
        same(array(dx), expected_pullback(f, array(x.resolve_neg()), array(g)))


def test_what_is_a_parameter_or_in_the_middle_of_a_graph_differentiates(path):
    leaf = torch.nn.Parameter(torch.tensor([-1.0, 2.0]))
    value = hw.leaky_relu(leaf, 0.5)
    assert type(value) is torch.Tensor
    hw.leaky_relu(value * 3, 0.5).sum().backward()
    assert leaf.grad.tolist() == [0.75, 3.0]


def test_a_subclass_stays_one():
    class Meters(torch.Tensor):
        pass

    x = torch.tensor([-1.0, 2.0]).as_subclass(Meters).requires_grad_()
    value = hw.leaky_relu(x, 0.5)
    assert type(value) is Meters
    value.sum().backward()
    assert x.grad.tolist() == [0.5, 1.0]


def test_tensors_without_memory_have_shape_and_dtype():
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        fake = torch.empty(3, 4, dtype=torch.bfloat16, requires_grad=True)
        value = hw.leaky_relu(fake, 0.5)
        value.sum().backward()
    meta = hw.leaky_relu(torch.empty(3, 4, dtype=torch.bfloat16, device="meta"), 0.5)
    for result in (value, fake.grad, meta):
        assert (result.shape, result.dtype) == ((3, 4), torch.bfloat16)
    assert meta.device.type == "meta"


def test_the_dtype_of_x_decides_under_autocast(path):
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        x = torch.randn(8, dtype=dtype, requires_grad=True)
        with torch.autocast("cpu", torch.bfloat16):
            value = hw.leaky_relu(x, 0.3)
        (dx,) = torch.autograd.grad(value.sum(), x)
        assert value.dtype == dx.dtype == dtype


def test_nothing_is_recorded_where_pytorch_records_nothing(path):
    x = special(learns=True)
    with torch.no_grad():
        kept, value = saved_bytes(hw.relu, x)
    assert (kept, value.requires_grad) == (0, False)
    with torch.inference_mode():
        value = hw.relu(x)
        assert value.is_inference()
        assert hw.leaky_relu(torch.ones(2)).is_inference()
    assert hw.relu(value).tolist()[:-1] == value.tolist()[:-1]


def test_another_default_device_changes_nothing():
    with torch.device("meta"):
        x = torch.ones(3, device="cpu", requires_grad=True)
        (dx,) = torch.autograd.grad(hw.leaky_relu(x), x, torch.ones(3, device="cpu"))
    assert dx.tolist() == [1.0, 1.0, 1.0]
