// Keeps the memory of large results, once their arrays are gone, for the results to come: the system
// would take it back, and zero it page by page when the next result is written.
#pragma once

#include "numpy_api.h"

namespace halfwave {

// While it lives, a result of at least `bytes` that this thread makes is recycled, if the user asked
// for that and it is large enough.
class Recycling {
 public:
  explicit Recycling(npy_intp bytes);
  ~Recycling();
  Recycling(const Recycling&) = delete;
  Recycling& operator=(const Recycling&) = delete;

 private:
  PyObject* before_ = nullptr;  // the memory handler that was in use; null where it is left alone
};

// A new array of x's shape, type and memory order.
PyArrayObject* new_like(PyArrayObject* x);

// recycle_results(bytes to keep at most) -> the limit until now
PyObject* recycle_results(PyObject*, PyObject* limit);

// The bytes that are kept at this moment.
PyObject* recycled_bytes(PyObject*, PyObject*);

// To be called once, when the module is made; false with an exception set.
bool prepare_recycling();

}  // namespace halfwave
