"""The layers stand where those of torch.nn do: same arguments, same results, same uses."""

import copy
import inspect
import io
import pickle
import re
from pathlib import Path

import fresh
import pytest
from operations import ACTIVATIONS, each_kind

import halfwave as hw

torch = pytest.importorskip("torch")

import halfwave.torch as layers


def layer_of(f):
    return getattr(layers, re.sub(r"\W", "", f.title))


def network(**options):
    return torch.nn.Sequential(
        torch.nn.Linear(4, 8),
        layers.LeakyReLU(0.1, **options),
        torch.nn.Linear(8, 3),
        layers.ReLU(),
    )


def through_a_file(save, load, thing):
    file = io.BytesIO()
    save(thing, file)
    file.seek(0)
    return load(file)


def learned(net, x):
    """The value and every gradient."""
    value = net(x)
    return [value, *torch.autograd.grad(value.sum(), list(net.parameters()))]


def same(actual, expected):
    return all(torch.equal(a, b) for a, b in zip(actual, expected, strict=True))


X = torch.linspace(-3, 3, 20).reshape(5, 4)


def test_there_is_one_layer_for_each_kind():
    assert set(layers.__all__) == {layer_of(f).__name__ for f in ACTIVATIONS}
    assert dir(layers) == sorted(layers.__all__)


@each_kind
def test_a_layer_computes_its_activation(f):
    cls = layer_of(f)
    assert torch.equal(cls()(X), f(X))
    assert cls().state_dict() == {}
    assert (cls.__module__, cls.__qualname__) == ("halfwave.torch", cls.__name__)
    names = [*f.parameters, "inplace"]
    assert list(inspect.signature(cls).parameters) == names
    assert f.summary in cls.__doc__
    assert all(name in cls.__doc__ for name in names)


def test_layers_take_what_those_of_torch_nn_take_by_position():
    for ours, theirs in [(layers.LeakyReLU, torch.nn.LeakyReLU), (layers.ReLU, torch.nn.ReLU)]:
        for arguments in [(), (0.25,), (0.25, True)] if ours is layers.LeakyReLU else [(), (True,)]:
            x, y = X.clone(), X.clone()
            assert torch.equal(ours(*arguments)(x), theirs(*arguments)(y))
            assert torch.equal(x, y)


def test_a_layer_says_what_it_is():
    assert repr(layers.ReLU()) == "ReLU()"
    assert repr(layers.LeakyReLU(alpha=1)) == "LeakyReLU(alpha=1.0)"
    assert repr(layers.LeakyReLU(inplace=True)) == "LeakyReLU(alpha=0.01, inplace=True)"


def test_a_layer_shows_a_tensor_on_one_line():
    parameter = torch.nn.Parameter
    shown = {
        "alpha=0.1": torch.tensor(0.1),
        "alpha=0.25, learned": parameter(torch.tensor([0.25])),
        "alpha=tensor of shape (3, 1, 1)": torch.ones(3, 1, 1),
        "alpha=tensor of shape (3,), learned": parameter(torch.ones(3)),
        "alpha=tensor of shape ()": torch.ones((), device="meta"),
    }
    for text, alpha in shown.items():
        assert repr(layers.LeakyReLU(alpha)) == f"LeakyReLU({text})"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: layers.LeakyReLU(negative_slope=0.1), "negative_slope.*here it is called alpha"),
        (lambda: layers.LeakyReLU(1, True, 3), r"it is LeakyReLU\(alpha=0.01, inplace=False\)"),
        (lambda: layers.LeakyReLU("a"), "alpha is 'a'; pass a number or a tensor"),
        (lambda: layers.ReLU()([1.0]), "x is of type list; pass torch.tensor"),
        (lambda: layers.LeakyReLU(inplace=True)(torch.tensor([1])), "inplace.*torch.int64"),
    ],
)
def test_a_mistake_is_told(call, said):
    with pytest.raises(TypeError, match=said):
        call()


def test_layers_are_copied_and_kept_in_files():
    net = network()
    copies = [
        copy.deepcopy(net),
        pickle.loads(pickle.dumps(net)),
        through_a_file(torch.save, lambda file: torch.load(file, weights_only=False), net),
    ]
    for other in copies:
        assert same(learned(other, X), learned(net, X))
        assert type(other[1]) is layers.LeakyReLU
        assert other[1] is not net[1]


def test_state_moves_between_a_network_of_theirs_and_one_of_ours():
    ours, theirs = network(), torch.nn.Sequential(*network())
    theirs[1], theirs[3] = torch.nn.LeakyReLU(0.1), torch.nn.ReLU()
    theirs.load_state_dict(ours.state_dict())
    assert same(learned(theirs, X), learned(ours, X))


def test_in_place_the_argument_becomes_the_result_and_the_gradients_stay():
    for alpha in (0.5, torch.tensor([0.5])):
        x = X.clone().requires_grad_()
        hidden = x * 1
        value = layers.LeakyReLU(alpha, inplace=True)(hidden)
        assert value is hidden
        assert torch.equal(torch.autograd.grad(value.sum(), x)[0], hw.leaky_relu.derivative(X, 0.5))


def test_an_alpha_that_is_a_parameter_is_learned():
    layer = layers.LeakyReLU(torch.nn.Parameter(torch.tensor(0.25)))
    assert list(layer.state_dict()) == ["alpha"]
    layer(X).sum().backward()
    assert torch.allclose(layer.alpha.grad, X[X < 0].sum())


def test_functional_call_differentiates():
    net = network()
    weights = dict(net.named_parameters())

    def loss(weights):
        return torch.func.functional_call(net, weights, X).sum()

    gradients = torch.func.grad(loss)(weights)
    assert torch.allclose(gradients["0.weight"], learned(net, X)[1])
    each = torch.func.vmap(lambda x: torch.func.functional_call(net, weights, x))(X)
    assert torch.allclose(each, net(X))


@pytest.mark.parametrize("strict", [False, True])
def test_a_network_is_exported(strict):
    net = network(inplace=True)
    program = torch.export.export(net, (X,), strict=strict)
    assert torch.equal(program.module()(X), net(X))
    if strict:
        loaded = through_a_file(torch.export.save, torch.export.load, program)
        assert torch.equal(loaded.module()(X), net(X))


def test_torch_compile_takes_a_network_whole():
    torch._dynamo.reset()
    learns = layers.LeakyReLU(torch.nn.Parameter(torch.tensor(0.25)))
    for net in (
        network(),
        network(inplace=True),
        torch.nn.Sequential(torch.nn.Linear(4, 4), learns),
    ):
        compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
        assert same(learned(compiled, X), learned(net, X))


def test_torch_compile_takes_a_layer_whose_function_is_allowed_in_the_graph():
    torch._dynamo.reset()
    torch.compiler.allow_in_graph(hw.leaky_relu)
    net = network()
    compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
    assert same(learned(compiled, X), learned(net, X))


@pytest.mark.filterwarnings("ignore")  # torch.jit is deprecated, and warns of constants
def test_the_tracers_take_a_network():
    net = network()
    traced = through_a_file(torch.jit.save, torch.jit.load, torch.jit.trace(net, X))
    assert torch.equal(traced(2 * X), net(2 * X))
    symbolic = torch.fx.symbolic_trace(net)
    assert "activate" in symbolic.code
    assert torch.equal(symbolic(2 * X), net(2 * X))


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux says a process's peak"
)
def test_a_deep_network_keeps_half_of_what_torch_keeps():
    program = Path(__file__).parent.parent / "examples/torch_memory.py"
    done = fresh.run(program, "4", "256", "512")
    assert done.returncode == 0, done.stderr.decode()
    title, _, *rows = done.stdout.decode().splitlines()
    assert title == "4 layers, 512 x 256 float32: 0.5 MiB each"
    kept = {name: float(number) for name, number, *_ in map(str.split, rows)}
    # Beside the tensors between the layers: the means, scales and weights of each.
    assert kept == {"torch": 4.0, "halfwave": pytest.approx(2.0 + 4 * 0.5 / 32, abs=0.06)}


def test_where_torch_is_missing_it_says_how_to_get_it():
    code = "import sys; sys.modules['torch'] = None; import halfwave.torch"
    assert "pip install torch" in fresh.error_of(code)
