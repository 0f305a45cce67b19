// Runs the engine on memory that another library owns.
#pragma once

#include "numpy_api.h"

namespace halfwave {

PyObject* compute_at(PyObject*, PyObject* args);
PyObject* tally_at(PyObject*, PyObject* args);
PyObject* py_gate_bytes(PyObject*, PyObject* n);

}  // namespace halfwave
