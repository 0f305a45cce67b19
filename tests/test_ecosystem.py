"""dask, xarray, pandas, masked arrays and others go through the ufunc and stay what they are."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from bits import assert_same_bits
from operations import OPERATIONS, REPRESENTATIVES, each_kind, each_operation

import halfwave as hw

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
pd = pytest.importorskip("pandas")
xr = pytest.importorskip("xarray")

X = np.array([1.5, -2.5, 0.0, -0.0, np.nan, np.inf, -np.inf, -4.0, 7.25], "f4")
G = np.array([2.0, 3.0, 5.0, -7.0, 11.0, np.inf, -np.inf, 13.0, -17.0], "f4")
ALPHA = np.linspace(-0.5, 1.5, X.size, dtype="f4")
MASK = np.arange(X.size) % 3 == 1

WITH_PARAMETERS = [f for f in REPRESENTATIVES if f.parameters]

each_with_parameters = pytest.mark.parametrize("f", WITH_PARAMETERS, ids=lambda f: f.name)


def masked_where_nan(array: Any) -> np.ndarray[Any, Any]:
    """The elements of a masked array, NaN where it is masked."""
    return np.ma.filled(array, np.nan)


@dataclass(frozen=True)
class Holder:
    """A kind of array: how to make one of nine numbers, and how to read it back."""

    wrap: Callable[[Any], Any]
    unwrap: Callable[[Any], Any] = np.asarray
    lazy: bool = False
    hides: Any = False  # the elements that it does not show
    dtype: str = "f4"


HOLDERS = {
    "dask": Holder(lambda a: da.from_array(a, chunks=4), lambda d: d.compute(), lazy=True),
    "DataArray": Holder(lambda a: xr.DataArray(a, dims="time", name="p", attrs={"units": "Pa"})),
    "DataArray of dask": Holder(
        lambda a: xr.DataArray(da.from_array(a, chunks=4), dims="time"),
        lambda d: d.compute().values,
        lazy=True,
    ),
    "Dataset": Holder(lambda a: xr.Dataset({"p": ("time", a)}), lambda d: d["p"].values),
    "Dataset of dask": Holder(
        lambda a: xr.Dataset({"p": ("time", da.from_array(a, chunks=4))}),
        lambda d: d.compute()["p"].values,
        lazy=True,
    ),
    "Series": Holder(lambda a: pd.Series(a, name="p", index=list("abcdefghi"))),
    "DataFrame": Holder(
        lambda a: pd.DataFrame(a.reshape(3, 3), columns=list("pqr")), lambda f: np.ravel(f)
    ),
    "Index": Holder(lambda a: pd.Index(a, name="p"), lambda i: i.to_numpy()),
    "nullable Series": Holder(
        lambda a: pd.Series(a, dtype="Float32").mask(MASK),
        lambda s: s.to_numpy("f4", na_value=np.nan),
        hides=MASK,
    ),
    "masked array": Holder(lambda a: np.ma.array(a, mask=MASK), masked_where_nan, hides=MASK),
}
each_holder = pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)


def agrees(holder, got, wrapped, expected):
    """`got` is of the type of `wrapped`, and shows `expected` where it shows anything."""
    assert type(got) is type(wrapped)
    assert_same_bits(holder.unwrap(got), np.where(holder.hides, np.float32(np.nan), expected))


@pytest.fixture
def nothing_computes():
    """Inside this, a dask array that is computed raises."""

    def refuse(*args, **kwargs):
        raise AssertionError("dask computed something that should have stayed lazy")

    with dask.config.set(scheduler=refuse):
        yield


def test_the_watch_over_lazy_arrays_sees_a_computation(nothing_computes):
    lazy = da.from_array(X, chunks=4)
    for careless in (lambda: lazy.compute(), lambda: np.asarray(lazy), lambda: float(lazy[0])):
        with pytest.raises(AssertionError, match="should have stayed lazy"):
            careless()


# Every holder: the value, the derivative, the pullback


@each_holder
@each_operation
def test_a_holder_stays_what_it_is(op, holder):
    x = holder.wrap(X)
    agrees(holder, op(x), x, op(X))


@each_holder
@each_kind
@pytest.mark.parametrize("at_kink", ["left", "right", 0.25, 0, np.inf, np.nan, np.float32(0.5)])
def test_a_slope_chosen_at_the_kink_is_chosen_in_every_holder(f, holder, at_kink):
    x = holder.wrap(X)
    expected = f.derivative(X, at_kink=at_kink)
    agrees(holder, f.derivative(x, at_kink=at_kink), x, expected)


@each_holder
@each_kind
def test_vjp_of_a_holder_stays_what_it_is(f, holder):
    x, g = holder.wrap(X), holder.wrap(G)
    expected, pullback_of_array = f.vjp(X)
    value, pullback = f.vjp(x)
    agrees(holder, value, x, expected)
    agrees(holder, pullback(g), x, pullback_of_array(G))
    agrees(holder, pullback(1.0), x, pullback_of_array(1.0))
    assert pullback.nbytes > 0


@each_holder
@each_kind
def test_a_gradient_in_a_holder_is_never_copied_out_of_it_in_silence(f, holder, nothing_computes):
    _, pullback = f.vjp(X)
    with pytest.raises(TypeError, match=r"g is a [\w.]+ and x was a NumPy array; take the vjp of"):
        pullback(holder.wrap(G))


@each_holder
@each_with_parameters
def test_a_parameter_in_a_holder_decides_what_the_result_is(f, holder):
    x, alpha = holder.wrap(X), holder.wrap(ALPHA)
    name = next(iter(f.parameters))
    for op in (f, f.derivative):
        expected = op(X, **{name: ALPHA})
        agrees(holder, op(x, **{name: alpha}), x, expected)
        if holder is not HOLDERS["DataFrame"]:  # it has another shape than X
            agrees(holder, op(X, **{name: alpha}), x, expected)
            agrees(holder, op(X, alpha), x, expected)


@each_holder
@each_with_parameters
def test_vjp_of_a_parameter_in_a_holder(f, holder):
    x, alpha, g = holder.wrap(X), holder.wrap(ALPHA), holder.wrap(G)
    expected, pullback_of_arrays = f.vjp(X, ALPHA)
    value, pullback = f.vjp(x, alpha)
    agrees(holder, value, x, expected)
    agrees(holder, pullback(g), x, pullback_of_arrays(G))
    if holder is not HOLDERS["DataFrame"]:
        value, pullback = f.vjp(X, alpha)
        agrees(holder, value, x, expected)
        agrees(holder, pullback(G), x, pullback_of_arrays(G))


@pytest.mark.parametrize("name", [name for name, holder in HOLDERS.items() if holder.lazy])
@each_kind
def test_what_is_lazy_stays_lazy(f, name, nothing_computes):
    x, g = HOLDERS[name].wrap(X), HOLDERS[name].wrap(G)
    for op in (f, f.derivative):
        op(x), op(x, *[0.5] * len(f.parameters)), op(x, *[x] * len(f.parameters))
        op(X, *[x] * len(f.parameters))
    f.derivative(x, at_kink="right"), f.derivative(x, at_kink=0.25)
    f.derivative(x, *[x] * len(f.parameters), at_kink="left")
    _, pullback = f.vjp(x, *[x] * len(f.parameters))
    pullback(g), pullback(G), pullback(1.0), repr(pullback)
    f.vjp(X, *[x] * len(f.parameters))[1](G)


# dask


@each_operation
@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
def test_dask_computes_the_same_bits_on_every_scheduler(op, scheduler):
    x = np.linspace(-9, 9, 4096, dtype="f4").reshape(64, 64)
    lazy = da.from_array(x, chunks=(16, 64))
    assert_same_bits(op(lazy).compute(scheduler=scheduler, num_workers=2), op(x))


@each_operation
def test_dask_knows_the_dtype_beforehand(op):
    for dtype in ("f2", "f4", "f8", "i1", "u2", "i8"):
        lazy = da.from_array(np.arange(6).astype(dtype), chunks=4)
        assert op(lazy).dtype == op(lazy).compute().dtype == op(np.arange(6).astype(dtype)).dtype


@each_operation
def test_dask_gives_the_same_work_the_same_name(op):
    lazy = da.from_array(X, chunks=4)
    assert op(lazy).name == op(lazy).name
    assert dask.base.tokenize(op) == dask.base.tokenize(pickle.loads(pickle.dumps(op)))
    assert len({dask.base.tokenize(each) for each in OPERATIONS}) == len(OPERATIONS)


@each_operation
def test_dask_map_blocks_takes_it_as_any_function(op):
    lazy = da.from_array(X, chunks=4)
    assert_same_bits(lazy.map_blocks(op).compute(), op(X))


# xarray


@each_operation
def test_xarray_keeps_names_and_attributes(op):
    x = HOLDERS["DataArray"].wrap(X).assign_coords(time=np.arange(X.size))
    got = op(x)
    assert (got.name, got.attrs, got.dims) == ("p", {"units": "Pa"}, ("time",))
    assert got.time.equals(x.time)


@each_operation
def test_xarray_takes_it_as_any_function(op):
    x, lazy = HOLDERS["DataArray"].wrap(X), HOLDERS["DataArray of dask"].wrap(X)
    assert_same_bits(xr.apply_ufunc(op, x).values, op(X))
    assert_same_bits(x.pipe(op).values, op(X))
    parallel = xr.apply_ufunc(op, lazy, dask="parallelized", output_dtypes=["f4"])
    assert_same_bits(parallel.compute().values, op(X))


def test_xarray_broadcasts_a_parameter_by_the_name_of_its_dimension():
    x = xr.DataArray(np.array([[-1.0, -2.0, -3.0], [4.0, -5.0, 6.0]]), dims=("sample", "unit"))
    slopes = xr.DataArray([0.5, 0.25], dims="sample")
    expected = hw.leaky_relu(x.values, np.array([[0.5], [0.25]]))
    assert_same_bits(hw.leaky_relu(x, slopes).values, expected)
    value, pullback = hw.leaky_relu.vjp(x, slopes)
    assert_same_bits(value.values, expected)
    assert_same_bits(pullback(1.0).values, np.where(x > 0, 1.0, np.array([[0.5], [0.25]])))


# pandas


@each_operation
def test_pandas_keeps_index_columns_and_names(op):
    series, frame = HOLDERS["Series"].wrap(X), HOLDERS["DataFrame"].wrap(X)
    assert op(series).index.equals(series.index) and op(series).name == "p"
    assert op(frame).index.equals(frame.index) and op(frame).columns.equals(frame.columns)


@each_operation
def test_pandas_frames_of_mixed_dtypes_keep_every_column_s_dtype(op):
    if op.ufunc.nin > 1:
        pytest.skip("pandas hands a ufunc of several inputs the whole frame as one array")
    frame = pd.DataFrame({"p": X, "q": X.astype("f8"), "r": np.arange(X.size, dtype="i2")})
    for column in frame:
        assert_same_bits(op(frame)[column].to_numpy(), op(frame[column].to_numpy()))


def test_pandas_aligns_a_parameter_by_index():
    x = HOLDERS["Series"].wrap(X)
    alpha = pd.Series(ALPHA, index=x.index)
    shuffled = alpha.sample(frac=1, random_state=4)
    assert_same_bits(hw.leaky_relu(x, shuffled).to_numpy(), hw.leaky_relu(X, ALPHA))


def test_pandas_missing_integers_stay_missing():
    x = pd.Series([3, None, -4], dtype="Int64")
    assert hw.relu(x).dtype == "Int64"
    assert hw.relu(x).tolist() == [3, pd.NA, 0]
    assert hw.leaky_relu(x, 0.5).tolist() == [3.0, pd.NA, -2.0]


@each_operation
def test_pandas_takes_it_as_any_function(op):
    x = HOLDERS["Series"].wrap(X.astype("f8"))
    for got in (x.apply(op), x.map(op), x.transform(op), x.pipe(op)):
        assert_same_bits(got.to_numpy(), op(X.astype("f8")))


# Masked arrays


@each_operation
def test_masks_are_kept(op):
    x = np.ma.array(X, mask=MASK)
    assert np.ma.getmaskarray(op(x)).tolist() == MASK.tolist()
    assert np.ma.getmaskarray(x).tolist() == MASK.tolist()
    out = np.ma.array(np.zeros_like(X), mask=np.zeros(X.size, bool))
    assert op(x, out=out) is out
    assert_same_bits(out.data[~MASK], op(X)[~MASK])


@each_kind
def test_masks_of_x_the_parameters_and_the_gradient_are_joined(f):
    masks = [np.arange(X.size) % 4 == k for k in range(3)]
    x, alpha, g = (np.ma.array(a, mask=m) for a, m in zip((X, ALPHA, G), masks, strict=True))
    value, pullback = f.vjp(x, *[alpha] * len(f.parameters))
    joined = masks[0] | masks[1] if f.parameters else masks[0]
    assert np.ma.getmaskarray(value).tolist() == joined.tolist()
    assert np.ma.getmaskarray(pullback(g)).tolist() == (joined | masks[2]).tolist()


# Any class of one's own


class Quantity(np.lib.mixins.NDArrayOperatorsMixin):
    """Numbers with a unit, which notes every ufunc that it is asked for."""

    def __init__(self, values, unit):
        self.values, self.unit, self.asked = values, unit, []

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        self.asked.append((ufunc, method, inputs, kwargs))
        plain = [i.values if isinstance(i, Quantity) else i for i in inputs]
        return Quantity(getattr(ufunc, method)(*plain, **kwargs), self.unit)


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")
@each_operation
def test_a_class_of_one_s_own_is_asked_once_for_the_ufunc_with_what_was_given(op):
    x, given = Quantity(X, "Pa"), [0.5] * (op.ufunc.nin - 1)
    got = op(x, *given, where=MASK, out=None)
    assert (got.unit, len(x.asked)) == ("Pa", 1)
    ufunc, method, inputs, options = x.asked[0]
    assert (ufunc, method, options) == (op.ufunc, "__call__", {"where": MASK})
    assert inputs[0] is x
    assert [float(each) for each in inputs[1:]] == given


@each_kind
def test_a_class_of_one_s_own_keeps_its_unit_everywhere(f):
    x, g = Quantity(X, "Pa"), Quantity(G, "Pa")
    value, pullback = f.vjp(x)
    assert_same_bits(value.values, f(X))
    assert_same_bits(pullback(g).values, f.vjp(X)[1](G))
    at_kink = f.derivative(x, at_kink=0.25)
    assert_same_bits(at_kink.values, f.derivative(X, at_kink=0.25))
    assert value.unit == pullback(g).unit == pullback(1.0).unit == at_kink.unit == "Pa"


@each_operation
def test_a_class_that_declines_is_refused(op):
    class Declines:
        def __array_ufunc__(self, *args, **kwargs):
            return NotImplemented

    with pytest.raises(TypeError, match="Declines|NotImplemented"):
        op(Declines())


# What is refused inside of them


@pytest.mark.parametrize("name", ["dask", "DataArray", "Series", "Dataset", "masked array"])
@each_kind
def test_a_dtype_without_a_rectifier_is_refused_with_the_reason(f, name):
    values = np.ones(X.shape, complex)
    for op in (f, f.derivative, f.vjp):
        with pytest.raises(TypeError, match="complex numbers have no order; pass x.real"):
            op(HOLDERS[name].wrap(values))


def test_labels_are_not_mistaken_for_shapes_that_do_not_fit():
    x = xr.DataArray(np.ones(3, complex), dims="sample")
    slopes = xr.DataArray([0.5, 0.25], dims="unit")
    with pytest.raises(TypeError, match="complex numbers have no order"):
        hw.leaky_relu(x, slopes)
