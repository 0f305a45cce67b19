// Runs the engine on memory that another library owns: contiguous operands by their addresses, so
// that no array has to be made of them. The caller vouches for the addresses.
#include "addresses.h"

#include <cstring>

#include "numbers.h"
#include "run.h"
#include "table.h"

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

constexpr ptrdiff_t kSizes[] = {2, 2, 4, 8};

// Of n elements each; where there are any, none may be null.
bool read_addresses(PyObject* tuple, Py_ssize_t n, char** data) {
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(tuple); ++k) {
    data[k] = static_cast<char*>(PyLong_AsVoidPtr(PyTuple_GET_ITEM(tuple, k)));
    if (PyErr_Occurred()) return false;
    if (n && !data[k]) {
      PyErr_SetString(PyExc_ValueError, "an operand has elements and no memory");
      return false;
    }
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
    strides[k] = is_parameter ? 0 : kSizes[type];
  }
  const int bits = named->bits > 0 ? named->bits + count : named->bits;
  const Loop loop = pair->kernels->loops[named->op][type];
  run_released(loop, {data, strides, operands, n, kSizes[type], bits});
  Py_RETURN_NONE;
}

PyObject* py_gate_bytes(PyObject*, PyObject* n) {
  const Py_ssize_t count = PyLong_AsSsize_t(n);
  if (count == -1 && PyErr_Occurred()) return nullptr;
  return PyLong_FromSsize_t(gate_bytes(count));
}

}  // namespace halfwave
