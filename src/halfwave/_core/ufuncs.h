// The ufuncs of every pair, and which element type a NumPy dtype is computed in.
#pragma once

#include "numpy_api.h"
#include "table.h"

namespace halfwave {

// The element type of a dtype's number, or kNoType. bfloat16 is known once an array of it was seen.
Type type_of(int type_num);

// Makes the ufuncs of every pair and adds them to the module under their names: `relu`,
// `relu_derivative`, `relu_pullback`, `relu_replace`. Returns false with an exception set.
bool add_ufuncs(PyObject* module);

// The ufunc of one operation, borrowed; null before add_ufuncs.
PyObject* ufunc_of(const Pair& pair, Op op);

// Whether `dtype` is ml_dtypes' bfloat16; if so, every ufunc has its loops from now on.
// -1 with an exception set.
int register_bfloat16(PyArray_DTypeMeta* dtype);

}  // namespace halfwave
