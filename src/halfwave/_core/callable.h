// The callable that users hold.
#pragma once

#include "numpy_api.h"

namespace halfwave {

// The Python type `Callable`, a new reference, or null with an exception set.
PyObject* make_callable_type();

// Type of an array -> function(operation, x, *parameters), which computes it or gives NotImplemented.
// A borrowed reference.
PyObject* ways();

}  // namespace halfwave
