// Python's and NumPy's C API, as every file of the extension includes them: NumPy 2.0 and newer, its
// function tables shared by all files and filled by module.cc.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <memory>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL halfwave_array_api
#define PY_UFUNC_UNIQUE_SYMBOL halfwave_ufunc_api
#ifndef HALFWAVE_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif
#include <numpy/ndarrayobject.h>
#include <numpy/ufuncobject.h>
#include <numpy/dtype_api.h>

namespace halfwave {

struct Decref {
  template <class T>
  void operator()(T* object) const { Py_DECREF(reinterpret_cast<PyObject*>(object)); }
};

// An owned reference, given back when it goes out of scope.
template <class T = PyObject>
using Ref = std::unique_ptr<T, Decref>;

}  // namespace halfwave
