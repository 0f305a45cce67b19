// Runs the loops that keep and use gate bits over whole arrays. Python has prepared the operands:
// x and g are contiguous, native and aligned; the parameters are of x's dtype, and either one number
// or broadcast to x's shape.
#include "vjp.h"

#include <algorithm>
#include <cstring>

#include "recycle.h"
#include "run.h"
#include "table.h"
#include "ufuncs.h"

namespace halfwave {
namespace {

constexpr npy_intp kBlock = 1024;  // whole bytes of gate bits

// Reads the elements of a broadcast array in C order, however its strides run.
class BroadcastReader {
 public:
  explicit BroadcastReader(PyArrayObject* array) : array_(array), at_(PyArray_BYTES(array)) {}

  bool IsShared() const {
    for (int k = 0; k < PyArray_NDIM(array_); ++k) {
      if (PyArray_STRIDE(array_, k) != 0) return false;
    }
    return true;
  }

  void ReadFirst(char* to) const { std::memcpy(to, at_, PyArray_ITEMSIZE(array_)); }

  void Read(char* to, npy_intp count) {
    const int last = PyArray_NDIM(array_) - 1;
    const npy_intp size = PyArray_ITEMSIZE(array_);
    if (last < 0) {  // one number, beside another parameter that differs by element
      CopyRun(to, count, 0, size);
      return;
    }
    while (count > 0) {
      const npy_intp run = std::min(count, PyArray_DIM(array_, last) - index_[last]);
      CopyRun(to, run, PyArray_STRIDE(array_, last), size);
      Advance(run);
      to += run * size;
      count -= run;
    }
  }

 private:
  void CopyRun(char* to, npy_intp run, npy_intp stride, npy_intp size) const {
    if (stride == size) {
      std::memcpy(to, at_, run * size);
      return;
    }
    for (npy_intp i = 0; i < run; ++i) std::memcpy(to + i * size, at_ + i * stride, size);
  }

  // Steps along the last axis, and carries into the ones before it.
  void Advance(npy_intp run) {
    int axis = PyArray_NDIM(array_) - 1;
    index_[axis] += run;
    at_ += run * PyArray_STRIDE(array_, axis);
    while (axis > 0 && index_[axis] == PyArray_DIM(array_, axis)) {
      at_ -= index_[axis] * PyArray_STRIDE(array_, axis);
      index_[axis--] = 0;
      ++index_[axis];
      at_ += PyArray_STRIDE(array_, axis);
    }
  }

  PyArrayObject* array_;
  const char* at_;
  npy_intp index_[NPY_MAXDIMS] = {};
};

struct Operation {
  Loop loop = nullptr;
  npy_intp n = 0;
  npy_intp size = 0;  // bytes of an element
  std::vector<BroadcastReader> parameters;
};

// Whether the engine can read a parameter beside x: one number, or an element for each of x's.
bool is_parameter_of(PyObject* parameter, PyArrayObject* x) {
  if (!PyArray_Check(parameter)) return false;
  PyArrayObject* const p = reinterpret_cast<PyArrayObject*>(parameter);
  // NumPy has two types of 64 bits, long and long long, which are one of ours.
  return type_of(PyArray_TYPE(p)) == type_of(PyArray_TYPE(x)) && PyArray_ISNOTSWAPPED(p) &&
         (PyArray_NDIM(p) == 0 || PyArray_SAMESHAPE(p, x));
}

bool prepare(Operation& operation, const char* name, Op op, PyArrayObject* x, PyObject* parameters) {
  const Pair* const pair = find_pair(name);
  const Type type = type_of(PyArray_TYPE(x));
  operation.loop = pair && type != kNoType ? pair->kernels->loops[op][type] : nullptr;
  bool fits = operation.loop && PyArray_ISCARRAY_RO(x) &&
              PyTuple_GET_SIZE(parameters) == pair->kernels->parameters;
  for (Py_ssize_t k = 0; fits && k < PyTuple_GET_SIZE(parameters); ++k) {
    fits = is_parameter_of(PyTuple_GET_ITEM(parameters, k), x);
  }
  if (!fits) {
    PyErr_BadInternalCall();
    return false;
  }
  operation.n = PyArray_SIZE(x);
  operation.size = PyArray_ITEMSIZE(x);
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(parameters); ++k) {
    operation.parameters.emplace_back(
        reinterpret_cast<PyArrayObject*>(PyTuple_GET_ITEM(parameters, k)));
  }
  return true;
}

// `data` holds the loop's operands with room for the parameters at `first`; `bits` is the operand
// that moves on by an eighth of a byte for each element.
void run_blocks(Operation& operation, char** data, int operands, int first, int bits) {
  npy_intp strides[kMaxOperands];
  std::fill_n(strides, operands, operation.size);
  const int count = static_cast<int>(operation.parameters.size());
  const bool shared = std::all_of(operation.parameters.begin(), operation.parameters.end(),
                                  [](const BroadcastReader& p) { return p.IsShared(); });
  alignas(64) char buffer[kMaxParameters][kBlock * sizeof(long double)];
  for (int k = 0; k < count; ++k) data[first + k] = buffer[k];
  if (shared) {
    std::fill_n(strides + first, count, 0);
    for (int k = 0; k < count && operation.n; ++k) operation.parameters[k].ReadFirst(buffer[k]);
    run_released(operation.loop, {data, strides, operands, operation.n, operation.size, bits});
    return;
  }
  Py_BEGIN_ALLOW_THREADS
  for (npy_intp start = 0; start < operation.n; start += kBlock) {
    const npy_intp block = std::min(kBlock, operation.n - start);
    for (int k = 0; k < count; ++k) operation.parameters[k].Read(buffer[k], block);
    run(operation.loop, {data, strides, operands, block, operation.size, bits});
    for (int k = 0; k < operands; ++k) {
      const bool is_parameter = k >= first && k < first + count;
      if (!is_parameter) data[k] += k == bits ? block / 8 : block * operation.size;
    }
  }
  Py_END_ALLOW_THREADS
}

}  // namespace

PyObject* record(PyObject*, PyObject* args) {
  const char* name;
  PyArrayObject* x;
  PyObject* parameters;
  if (!PyArg_ParseTuple(args, "sO!O!", &name, &PyArray_Type, &x, &PyTuple_Type, &parameters)) {
    return nullptr;
  }
  Operation operation;
  if (!prepare(operation, name, kRecord, x, parameters)) return nullptr;
  npy_intp bytes = gate_bytes(operation.n);
  Ref<PyArrayObject> value(new_like(x));
  Ref<PyArrayObject> bits(
      reinterpret_cast<PyArrayObject*>(PyArray_SimpleNew(1, &bytes, NPY_UINT8)));
  if (!value || !bits) return nullptr;

  const int count = static_cast<int>(operation.parameters.size());
  char* data[kMaxOperands] = {PyArray_BYTES(x)};
  data[count + 1] = PyArray_BYTES(value.get());
  data[count + 2] = PyArray_BYTES(bits.get());
  run_blocks(operation, data, count + 3, 1, count + 2);
  return Py_BuildValue("NN", value.release(), bits.release());
}

PyObject* apply(PyObject*, PyObject* args) {
  const char* name;
  PyArrayObject *bits, *g;
  PyObject* parameters;
  if (!PyArg_ParseTuple(args, "sO!O!O!", &name, &PyArray_Type, &bits, &PyArray_Type, &g,
                        &PyTuple_Type, &parameters)) {
    return nullptr;
  }
  Operation operation;
  if (!prepare(operation, name, kApply, g, parameters)) return nullptr;
  if (PyArray_TYPE(bits) != NPY_UINT8 || !PyArray_IS_C_CONTIGUOUS(bits) ||
      PyArray_SIZE(bits) < gate_bytes(operation.n)) {
    PyErr_BadInternalCall();
    return nullptr;
  }
  Ref<PyArrayObject> result(new_like(g));
  if (!result) return nullptr;

  const int count = static_cast<int>(operation.parameters.size());
  char* data[kMaxOperands] = {PyArray_BYTES(bits), PyArray_BYTES(g)};
  data[count + 2] = PyArray_BYTES(result.get());
  run_blocks(operation, data, count + 3, 2, 0);
  return reinterpret_cast<PyObject*>(result.release());
}

}  // namespace halfwave
