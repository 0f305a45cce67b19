// What Python's vjp calls: a value with its gate bits, and the bits applied to a gradient.
#pragma once

#include "numpy_api.h"

namespace halfwave {

// record(name, x, parameters) -> (value, bits)
PyObject* record(PyObject*, PyObject* args);
// apply(name, bits, g, parameters) -> g f'(x)
PyObject* apply(PyObject*, PyObject* args);

}  // namespace halfwave
