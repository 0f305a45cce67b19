// Runs the engine on memory that another library owns: contiguous operands by their addresses, so
// that no array has to be made of them. The caller vouches for the addresses.
#include "addresses.h"

#include <cstring>
#include <vector>

#include "numbers.h"
#include "run.h"
#include "table.h"
#include "tally.h"

namespace halfwave {
namespace {

struct NamedOp {
  const char* name;
  Op op;
  int addresses;   // how many operands lie in memory
  int parameters;  // at which operand the parameters stand
  int bits;        // which operand holds gate bits, before there are parameters
};

constexpr NamedOp kNamedOps[] = {
    {"value", kValue, 2, 1, -1},
    {"derivative", kDerivative, 2, 1, -1},
    {"pullback", kPullback, 3, 2, -1},
    {"record", kRecord, 3, 1, 2},
    {"apply", kApply, 3, 2, 0},
};

const NamedOp* find_op(const char* name) {
  for (const NamedOp& op : kNamedOps) {
    if (std::strcmp(op.name, name) == 0) return &op;
  }
  return nullptr;
}

// NumPy's letters, and E for bfloat16, which is ml_dtypes' letter.
Type find_type(int letter) {
  switch (letter) {
    case 'e': return kFloat16;
    case 'E': return kBFloat16;
    case 'f': return kFloat32;
    case 'd': return kFloat64;
    default: return kNoType;
  }
}

// Where there are elements, the address may not be null.
template <class T>
bool read_address(PyObject* address, Py_ssize_t n, T** data) {
  *data = static_cast<T*>(PyLong_AsVoidPtr(address));
  if (PyErr_Occurred()) return false;
  if (n && !*data) PyErr_SetString(PyExc_ValueError, "an operand has elements and no memory");
  return !n || *data;
}

// Of n elements each.
bool read_addresses(PyObject* tuple, Py_ssize_t n, char** data) {
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(tuple); ++k) {
    if (!read_address(PyTuple_GET_ITEM(tuple, k), n, &data[k])) return false;
  }
  return true;
}

bool read_parameters(PyObject* tuple, Type type, char (*elements)[16]) {
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(tuple); ++k) {
    const double value = PyFloat_AsDouble(PyTuple_GET_ITEM(tuple, k));
    if (PyErr_Occurred()) return false;
    if (!convert(value, type, elements[k])) {
      PyErr_BadInternalCall();
      return false;
    }
  }
  return true;
}

// Pairs of a size and a stride. False, with or without an error, for anything else.
bool read_dims(PyObject* tuple, std::vector<Dim>& dims) {
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(tuple); ++k) {
    Dim dim;
    PyObject* const pair = PyTuple_GET_ITEM(tuple, k);
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) return false;
    if (!PyArg_ParseTuple(pair, "nn", &dim.size, &dim.stride) || dim.size < 0) return false;
    dims.push_back(dim);
  }
  return true;
}

// An array that has a number of this type for each of n units.
template <class T>
bool read_units(PyArrayObject* array, int type, npy_intp n, T*& data) {
  data = static_cast<T*>(PyArray_DATA(array));
  return PyArray_TYPE(array) == type && PyArray_ISCARRAY(array) && PyArray_NDIM(array) == 1 &&
         PyArray_DIM(array, 0) == n;
}

bool read_tallies(PyArrayObject* const* arrays, npy_intp n, Tallies& tallies) {
  return read_units(arrays[0], NPY_INT64, n, tallies.fired) &&
         read_units(arrays[1], NPY_INT64, n, tallies.nonfinite) &&
         read_units(arrays[2], NPY_FLOAT64, n, tallies.total) &&
         read_units(arrays[3], NPY_FLOAT64, n, tallies.magnitude) &&
         read_units(arrays[4], NPY_FLOAT64, n, tallies.low) &&
         read_units(arrays[5], NPY_FLOAT64, n, tallies.high);
}

}  // namespace

// compute_at(name, op, type, n, addresses, parameters)
PyObject* compute_at(PyObject*, PyObject* args) {
  const char *name, *op_name;
  int letter;
  Py_ssize_t n;
  PyObject *addresses, *numbers;
  if (!PyArg_ParseTuple(args, "ssCnO!O!", &name, &op_name, &letter, &n, &PyTuple_Type, &addresses,
                        &PyTuple_Type, &numbers)) {
    return nullptr;
  }
  const Pair* const pair = find_pair(name);
  const NamedOp* const named = find_op(op_name);
  const Type type = find_type(letter);
  if (!pair || !named || type == kNoType || n < 0 ||
      PyTuple_GET_SIZE(addresses) != named->addresses ||
      PyTuple_GET_SIZE(numbers) != pair->kernels->parameters) {
    PyErr_BadInternalCall();
    return nullptr;
  }
  char* given[3];
  alignas(16) char elements[kMaxParameters][16];
  if (!read_addresses(addresses, n, given) || !read_parameters(numbers, type, elements)) {
    return nullptr;
  }

  const int count = pair->kernels->parameters;
  const int operands = named->addresses + count;
  char* data[kMaxOperands];
  ptrdiff_t strides[kMaxOperands];
  for (int k = 0; k < operands; ++k) {
    const int parameter = k - named->parameters;
    const bool is_parameter = parameter >= 0 && parameter < count;
    data[k] = is_parameter ? elements[parameter] : given[parameter < 0 ? k : k - count];
    strides[k] = is_parameter ? 0 : element_size(type);
  }
  const int bits = named->bits > 0 ? named->bits + count : named->bits;
  const Loop loop = pair->kernels->loops[named->op][type];
  run_released(loop, {data, strides, operands, n, element_size(type), bits});
  Py_RETURN_NONE;
}

// tally(type, address, samples, units, positions, floor, and an array for each of struct Tallies)
PyObject* tally_at(PyObject*, PyObject* args) {
  int letter;
  PyObject *address, *samples, *positions;
  Layer layer;
  PyArrayObject* arrays[6];
  if (!PyArg_ParseTuple(args, "COO!(nn)O!dO!O!O!O!O!O!", &letter, &address, &PyTuple_Type, &samples,
                        &layer.units.size, &layer.units.stride, &PyTuple_Type, &positions,
                        &layer.floor, &PyArray_Type, &arrays[0], &PyArray_Type, &arrays[1],
                        &PyArray_Type, &arrays[2], &PyArray_Type, &arrays[3], &PyArray_Type,
                        &arrays[4], &PyArray_Type, &arrays[5])) {
    return nullptr;
  }
  Tallies tallies;
  layer.type = find_type(letter);
  if (layer.type == kNoType || !read_tallies(arrays, layer.units.size, tallies) ||
      !read_dims(samples, layer.values.samples) || !read_dims(positions, layer.values.positions)) {
    if (!PyErr_Occurred()) PyErr_BadInternalCall();
    return nullptr;
  }
  const ptrdiff_t bytes = bytes_of(layer);
  if (!read_address(address, bytes, &layer.values.data)) return nullptr;
  if (bytes < kReleaseGil) {
    tally(layer, tallies);
    Py_RETURN_NONE;
  }
  Py_BEGIN_ALLOW_THREADS
  tally(layer, tallies);
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

PyObject* py_gate_bytes(PyObject*, PyObject* n) {
  const Py_ssize_t count = PyLong_AsSsize_t(n);
  if (count == -1 && PyErr_Occurred()) return nullptr;
  return PyLong_FromSsize_t(gate_bytes(count));
}

}  // namespace halfwave
