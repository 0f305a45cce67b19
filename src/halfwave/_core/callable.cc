// hw.relu(x) costs what CPython and one allocation cost.
//
// Four ways through a call, the first that fits:
//   1. a Python float, or a contiguous array that a kernel can read: straight to the kernel;
//   2. any other NumPy array that no operand has to be cast for: straight to the ufunc;
//   3. an array of a type that a function was entered for in `ways`: that function;
//   4. everything else (lists, scalars, other libraries, keywords such as where=), and every
//      mistake: the method `_general` of the Python subclass, which explains what went wrong.
// NumPy warns of what a cast did to a number; the Python method switches that off.
#include "callable.h"

#include <algorithm>
#include <cstring>
#include <structmember.h>

#include "numbers.h"
#include "recycle.h"
#include "run.h"
#include "table.h"
#include "ufuncs.h"

namespace halfwave {
namespace {

struct Callable {
  PyObject_HEAD
  PyObject* dict;
  PyObject* weakrefs;
  vectorcallfunc vectorcall;
  const Pair* pair;
  Op op;
  PyObject* ufunc;
  PyObject* names;     // tuple of the parameters' names
  PyObject* defaults;  // tuple of floats
  char keeps_integers;
  char keeps_bits;
};

// The arguments of a call that ways 1 to 3 understand. All references are borrowed.
struct Call {
  PyObject* x;
  PyObject* parameters[kMaxParameters];
  PyObject* out = nullptr;
};

bool same_name(PyObject* a, PyObject* b) {
  return a == b || PyUnicode_Compare(a, b) == 0;
}

// Fills `call`; false where there is something that only `_general` understands.
bool parse(const Callable& self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
           Call& call) {
  static PyObject* const out_name = PyUnicode_InternFromString("out");
  const Py_ssize_t count = PyTuple_GET_SIZE(self.names);
  if (nargs < 1 || nargs > 1 + count) return false;
  call.x = args[0];
  for (Py_ssize_t k = 0; k < count; ++k) {
    call.parameters[k] = k + 1 < nargs ? args[k + 1] : nullptr;
  }
  const Py_ssize_t keywords = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  for (Py_ssize_t i = 0; i < keywords; ++i) {
    PyObject* const name = PyTuple_GET_ITEM(kwnames, i);
    PyObject** slot = same_name(name, out_name) ? &call.out : nullptr;
    for (Py_ssize_t k = 0; k < count && !slot; ++k) {
      if (same_name(name, PyTuple_GET_ITEM(self.names, k))) slot = &call.parameters[k];
    }
    if (!slot || *slot) return false;
    *slot = args[nargs + i];
  }
  if (call.out == Py_None) call.out = nullptr;
  for (Py_ssize_t k = 0; k < count; ++k) {
    if (!call.parameters[k]) call.parameters[k] = PyTuple_GET_ITEM(self.defaults, k);
  }
  return true;
}

// A Python float or int as a double; false for everything else, and for an int too large for that.
bool as_double(PyObject* number, double* value) {
  if (PyFloat_CheckExact(number)) {
    *value = PyFloat_AS_DOUBLE(number);
    return true;
  }
  if (!PyLong_CheckExact(number)) return false;
  *value = PyLong_AsDouble(number);
  if (*value != -1.0 || !PyErr_Occurred()) return true;
  PyErr_Clear();  // `_general` says so
  return false;
}

bool is_kernel_ready(PyArrayObject* a) {
  return PyArray_CheckExact(a) && PyArray_ISALIGNED(a) && PyArray_ISNOTSWAPPED(a) &&
         PyArray_NDIM(a) > 0 && (PyArray_IS_C_CONTIGUOUS(a) || PyArray_IS_F_CONTIGUOUS(a));
}

// Whether x can be computed straight into `out`: same type and memory order, and either the very
// same memory or none in common.
bool fits(PyArrayObject* x, PyArrayObject* out) {
  if (!is_kernel_ready(out) || !PyArray_ISWRITEABLE(out)) return false;
  if (PyArray_TYPE(out) != PyArray_TYPE(x) || PyArray_NDIM(out) != PyArray_NDIM(x)) return false;
  if (!PyArray_CompareLists(PyArray_DIMS(out), PyArray_DIMS(x), PyArray_NDIM(x))) return false;
  const bool same_order = (PyArray_IS_C_CONTIGUOUS(x) && PyArray_IS_C_CONTIGUOUS(out)) ||
                          (PyArray_IS_F_CONTIGUOUS(x) && PyArray_IS_F_CONTIGUOUS(out));
  const char* const a = PyArray_BYTES(x);
  const char* const b = PyArray_BYTES(out);
  const npy_intp bytes = PyArray_NBYTES(x);
  return same_order && (a == b || a + bytes <= b || b + bytes <= a);
}

// Way 1 for arrays. Null without an exception: this way does not fit.
PyObject* call_kernel(const Callable& self, const Call& call) {
  PyArrayObject* const x = reinterpret_cast<PyArrayObject*>(call.x);
  if (!is_kernel_ready(x)) return nullptr;
  const Type type = type_of(PyArray_TYPE(x));
  const Loop loop = type == kNoType ? nullptr : self.pair->kernels->loops[self.op][type];
  PyArrayObject* out = reinterpret_cast<PyArrayObject*>(call.out);
  if (!loop || (out && !fits(x, out))) return nullptr;

  const Py_ssize_t count = PyTuple_GET_SIZE(self.names);
  alignas(16) char element[kMaxParameters][16];
  for (Py_ssize_t k = 0; k < count; ++k) {
    double value;
    if (!as_double(call.parameters[k], &value) || !convert(value, type, element[k])) return nullptr;
  }

  if (out) {
    Py_INCREF(out);
  } else if (!(out = new_like(x))) {
    return nullptr;
  }
  char* data[kMaxOperands] = {PyArray_BYTES(x)};
  npy_intp strides[kMaxOperands] = {PyArray_ITEMSIZE(x)};
  for (Py_ssize_t k = 0; k < count; ++k) data[k + 1] = element[k];
  data[count + 1] = PyArray_BYTES(out);
  strides[count + 1] = PyArray_ITEMSIZE(x);
  const int operands = static_cast<int>(count) + 2;
  run_released(loop, {data, strides, operands, PyArray_SIZE(x), PyArray_ITEMSIZE(x)});
  return reinterpret_cast<PyObject*>(out);
}

// Way 1 for a Python float. Null without an exception: this way does not fit.
PyObject* call_float(const Callable& self, const Call& call) {
  if (call.out) return nullptr;
  double operands[kMaxParameters + 1] = {PyFloat_AS_DOUBLE(call.x)};
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(self.names); ++k) {
    if (!as_double(call.parameters[k], &operands[k + 1])) return nullptr;
  }
  return PyFloat_FromDouble(self.pair->kernels->singles[self.op](operands));
}

// A parameter as an array of x's own type: a Python number converted, an array as it is. A new
// reference; null without an exception where it is neither.
PyObject* uncast(PyObject* parameter, PyArrayObject* x, Type type) {
  if (PyArray_CheckExact(parameter)) {
    PyArrayObject* const array = reinterpret_cast<PyArrayObject*>(parameter);
    return PyArray_TYPE(array) == PyArray_TYPE(x) ? Py_NewRef(parameter) : nullptr;
  }
  double value;
  alignas(16) char element[16];
  if (!as_double(parameter, &value) || !convert(value, type, element)) return nullptr;
  PyObject* const scalar =
      PyArray_NewFromDescr(&PyArray_Type, PyArray_DescrFromType(PyArray_TYPE(x)), 0, nullptr,
                           nullptr, nullptr, 0, nullptr);
  if (scalar) {
    std::memcpy(PyArray_DATA(reinterpret_cast<PyArrayObject*>(scalar)), element,
                PyArray_ITEMSIZE(x));
  }
  return scalar;
}

// Way 2. Null without an exception: this way does not fit.
PyObject* call_ufunc(const Callable& self, const Call& call) {
  PyArrayObject* const x = reinterpret_cast<PyArrayObject*>(call.x);
  const Type type = type_of(PyArray_TYPE(x));
  if (type == kNoType || !self.pair->kernels->loops[self.op][type]) return nullptr;
  const Py_ssize_t count = PyTuple_GET_SIZE(self.names);
  Ref<> parameters[kMaxParameters];
  PyObject* args[kMaxParameters + 2] = {call.x};
  for (Py_ssize_t k = 0; k < count; ++k) {
    parameters[k].reset(uncast(call.parameters[k], x, type));
    if (!parameters[k]) return nullptr;
    args[k + 1] = parameters[k].get();
  }
  PyArrayObject* const out = reinterpret_cast<PyArrayObject*>(call.out);
  if (out && !(PyArray_CheckExact(out) && PyArray_TYPE(out) == PyArray_TYPE(x))) return nullptr;
  args[count + 1] = call.out;
  const Recycling recycling(PyArray_NBYTES(x));
  return PyObject_Vectorcall(self.ufunc, args, count + (out ? 2 : 1), nullptr);
}

// Way 3. Null without an exception: this way does not fit.
PyObject* call_way(PyObject* object, const Call& call) {
  const Callable& self = *reinterpret_cast<Callable*>(object);
  PyObject* const type = reinterpret_cast<PyObject*>(Py_TYPE(call.x));
  PyObject* const way = call.out ? nullptr : PyDict_GetItemWithError(ways(), type);
  if (!way) return nullptr;
  const Py_ssize_t count = PyTuple_GET_SIZE(self.names);
  PyObject* args[kMaxParameters + 2] = {object, call.x};
  std::copy_n(call.parameters, count, args + 2);
  Ref<> result(PyObject_Vectorcall(way, args, count + 2, nullptr));
  return result.get() == Py_NotImplemented ? nullptr : result.release();
}

PyObject* call_general(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                       PyObject* kwnames) {
  Ref<> general(PyObject_GetAttrString(self, "_general"));
  return general ? PyObject_Vectorcall(general.get(), args, nargs, kwnames) : nullptr;
}

// Whether the exception that is set says that the arguments were wrong.
bool is_mistake() {
  return PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_ValueError) ||
         PyErr_ExceptionMatches(PyExc_OverflowError);
}

PyObject* vectorcall(PyObject* object, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const Callable& self = *reinterpret_cast<Callable*>(object);
  const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
  PyObject* result = nullptr;
  Call call;
  if (parse(self, args, nargs, kwnames, call)) {
    if (PyFloat_CheckExact(call.x)) {
      result = call_float(self, call);
    } else if (PyArray_CheckExact(call.x)) {
      result = call_kernel(self, call);
      if (!result && !PyErr_Occurred()) result = call_ufunc(self, call);
    } else {
      result = call_way(object, call);
      if (PyErr_Occurred()) return nullptr;
    }
  }
  if (result) return result;
  if (PyErr_Occurred()) {
    if (!is_mistake()) return nullptr;
    PyErr_Clear();
  }
  return call_general(object, args, nargs, kwnames);
}

bool are_parameters(PyObject* names, PyObject* defaults, Py_ssize_t count) {
  if (PyTuple_GET_SIZE(names) != count || PyTuple_GET_SIZE(defaults) != count) return false;
  for (Py_ssize_t k = 0; k < count; ++k) {
    if (!PyUnicode_Check(PyTuple_GET_ITEM(names, k))) return false;
    if (!PyFloat_CheckExact(PyTuple_GET_ITEM(defaults, k))) return false;
  }
  return true;
}

// Callable(name of the pair, is_derivative, names of the parameters, defaults)
PyObject* construct(PyTypeObject* type, PyObject* args, PyObject*) {
  const char* name;
  int is_derivative;
  PyObject *names, *defaults;
  if (!PyArg_ParseTuple(args, "spO!O!", &name, &is_derivative, &PyTuple_Type, &names,
                        &PyTuple_Type, &defaults)) {
    return nullptr;
  }
  const Pair* const pair = find_pair(name);
  if (!pair) return PyErr_Format(PyExc_ValueError, "no activation %s was compiled", name);
  if (!are_parameters(names, defaults, pair->kernels->parameters)) {
    return PyErr_Format(PyExc_ValueError,
                        "the facts of %s do not match its arithmetic: as many parameters in the "
                        ".py as in the .h, each with a float as its default",
                        name);
  }
  Callable* const self = reinterpret_cast<Callable*>(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  self->vectorcall = vectorcall;
  self->pair = pair;
  self->op = is_derivative ? kDerivative : kValue;
  self->keeps_integers = pair->kernels->loops[self->op][kInt64] != nullptr;
  self->keeps_bits = pair->kernels->loops[kRecord][kFloat32] != nullptr;
  self->ufunc = Py_NewRef(ufunc_of(*pair, self->op));
  self->names = Py_NewRef(names);
  self->defaults = Py_NewRef(defaults);
  return reinterpret_cast<PyObject*>(self);
}

int traverse(PyObject* object, visitproc visit, void* arg) {
  Callable* const self = reinterpret_cast<Callable*>(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->dict);
  Py_VISIT(self->ufunc);
  Py_VISIT(self->names);
  Py_VISIT(self->defaults);
  return 0;
}

int clear(PyObject* object) {
  Py_CLEAR(reinterpret_cast<Callable*>(object)->dict);
  return 0;
}

void destroy(PyObject* object) {
  Callable* const self = reinterpret_cast<Callable*>(object);
  PyTypeObject* const type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  PyObject_ClearWeakRefs(object);
  clear(object);
  Py_XDECREF(self->ufunc);
  Py_XDECREF(self->names);
  Py_XDECREF(self->defaults);
  type->tp_free(object);
  Py_DECREF(type);
}

#if PY_VERSION_HEX < 0x030C0000
// Before 3.12 Python does not hand the vectorcall flag to a subclass written in Python, which would
// then be called by way of a tuple and a dict. One with a __call__ of its own must not have it.
PyObject* init_subclass(PyObject* cls, PyObject*) {
  PyTypeObject* const type = reinterpret_cast<PyTypeObject*>(cls);
  if (type->tp_call == PyVectorcall_Call) type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
  Py_RETURN_NONE;
}
#endif

PyMethodDef methods[] = {
#if PY_VERSION_HEX < 0x030C0000
    {"__init_subclass__", init_subclass, METH_NOARGS | METH_CLASS, nullptr},
#endif
    {nullptr, nullptr, 0, nullptr}};

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(Callable, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Callable, weakrefs), READONLY, nullptr},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Callable, vectorcall), READONLY, nullptr},
    {"ufunc", T_OBJECT_EX, offsetof(Callable, ufunc), READONLY, "The np.ufunc itself."},
    {"keeps_integers", T_BOOL, offsetof(Callable, keeps_integers), READONLY,
     "Whether integers give integers."},
    {"keeps_bits", T_BOOL, offsetof(Callable, keeps_bits), READONLY,
     "Whether the pullback keeps one bit per element; otherwise it keeps x."},
    {nullptr, 0, 0, 0, nullptr}};

PyGetSetDef attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace

PyObject* ways() {
  static PyObject* const functions = PyDict_New();
  return functions;
}

PyObject* make_callable_type() {
  static PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("An operation of one activation, as a fast callable.")},
      {Py_tp_new, reinterpret_cast<void*>(construct)},
      {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
      {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(clear)},
      {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
      {Py_tp_methods, methods},
      {Py_tp_members, members},
      {Py_tp_getset, attributes},
      {0, nullptr}};
  static PyType_Spec spec = {"halfwave._core.Callable", sizeof(Callable), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
                                 Py_TPFLAGS_HAVE_VECTORCALL,
                             slots};
  return PyType_FromSpec(&spec);
}

}  // namespace halfwave
