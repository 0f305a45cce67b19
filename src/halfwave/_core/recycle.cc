#include "recycle.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "pool.h"

namespace halfwave {
namespace {

// What malloc keeps anyway, and what is soon written, is not worth it.
constexpr size_t kSmallest = size_t{1} << 25;

// NumPy's memory handler (NEP 49). An array keeps the handler that it was made with, so its memory
// comes back here wherever and whenever it goes.

void* take(void*, size_t bytes) {
  return bytes < kSmallest ? std::malloc(bytes) : pool::take(bytes);
}

void* take_zeroed(void*, size_t count, size_t size) {
  if (size && count > SIZE_MAX / size) return nullptr;
  void* const start = take(nullptr, count * size);
  return start ? std::memset(start, 0, count * size) : nullptr;
}

void give(void*, void* start, size_t) {
  if (!pool::give(start)) std::free(start);
}

void* resize(void*, void* start, size_t bytes) {
  const size_t had = pool::size_of(start);
  if (!had) return std::realloc(start, bytes);
  void* const moved = take(nullptr, bytes);
  if (!moved) return nullptr;
  std::memcpy(moved, start, std::min(had, bytes));
  pool::give(start);
  return moved;
}

PyDataMem_Handler handler = {"halfwave_recycling", 1, {nullptr, take, take_zeroed, resize, give}};
PyObject* capsule = nullptr;

}  // namespace

Recycling::Recycling(npy_intp bytes) {
  if (bytes < static_cast<npy_intp>(kSmallest) || pool::limit() == 0) return;
  before_ = PyDataMem_SetHandler(capsule);
  if (!before_) PyErr_Clear();  // then the result is not recycled
}

Recycling::~Recycling() {
  if (!before_) return;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  Py_XDECREF(PyDataMem_SetHandler(before_));
  PyErr_Restore(type, value, traceback);
  Py_DECREF(before_);
}

PyArrayObject* new_like(PyArrayObject* x) {
  const Recycling recycling(PyArray_NBYTES(x));
  PyArray_Descr* const descr = PyArray_DESCR(x);
  Py_INCREF(descr);
  const int fortran = PyArray_IS_C_CONTIGUOUS(x) ? 0 : NPY_ARRAY_F_CONTIGUOUS;
  return reinterpret_cast<PyArrayObject*>(
      PyArray_NewFromDescr(&PyArray_Type, descr, PyArray_NDIM(x), PyArray_DIMS(x), nullptr, nullptr,
                           fortran, nullptr));
}

PyObject* recycle_results(PyObject*, PyObject* bytes) {
  const size_t limit = PyLong_AsSize_t(bytes);
  if (PyErr_Occurred()) return nullptr;
  if (!pool::exists()) {
    PyErr_SetString(PyExc_NotImplementedError, "results are recycled on Linux and macOS alone");
    return nullptr;
  }
  return PyLong_FromSize_t(pool::set_limit(limit));
}

PyObject* recycled_bytes(PyObject*, PyObject*) { return PyLong_FromSize_t(pool::kept()); }

bool prepare_recycling() {
  pool::prepare();
  capsule = PyCapsule_New(&handler, "mem_handler", nullptr);
  return capsule != nullptr;
}

}  // namespace halfwave
