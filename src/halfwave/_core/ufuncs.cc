// True NumPy ufuncs, whose result's dtype is decided by the first operand alone.
//
// Every loop is registered for operands of one dtype. A promoter, which NumPy asks where no loop
// matches, brings the parameters to the first operand's dtype, turns integers into floats where the
// activation does not keep them, adds bfloat16 when it first meets it, and refuses the rest with an
// error that says what to do.
#include "ufuncs.h"

#include <cstring>
#include <string>

namespace halfwave {
namespace {

struct Ufunc {
  const Pair* pair;
  Op op;
  std::string name;  // NumPy keeps a pointer to it
  PyObject* object;
};

std::vector<Ufunc>& ufuncs() {
  static std::vector<Ufunc> all;
  return all;
}

int bfloat16_num = -1;

int inputs(const Ufunc& ufunc) { return inputs(ufunc.op, ufunc.pair->kernels->parameters); }

Ref<PyArray_DTypeMeta> dtype_of(int type_num) {
  Ref<PyArray_Descr> descr(PyArray_DescrFromType(type_num));
  return Ref<PyArray_DTypeMeta>(NPY_DT_NewRef(NPY_DTYPE(descr.get())));
}

bool add_loop(const Ufunc& ufunc, Type type, PyArray_DTypeMeta* dtype) {
  const int nin = inputs(ufunc);
  std::vector<PyArray_DTypeMeta*> dtypes(nin + 1, dtype);
  PyType_Slot slots[] = {{NPY_METH_strided_loop, ufunc.pair->ufunc_loops[ufunc.op][type]},
                         {0, nullptr}};
  PyArrayMethod_Spec spec = {};
  spec.name = ufunc.name.c_str();
  spec.nin = nin;
  spec.nout = 1;
  spec.casting = NPY_NO_CASTING;
  spec.flags = NPY_METH_NO_FLOATINGPOINT_ERRORS;
  spec.dtypes = dtypes.data();
  spec.slots = slots;
  return PyUFunc_AddLoopFromSpec(ufunc.object, &spec) == 0;
}

bool computes(const Pair& pair, Type type) {
  return type != kNoType && pair.kernels->loops[kValue][type] != nullptr;
}

// Why an activation cannot take a dtype, and what to do about it.
void refuse(const Ufunc& ufunc, PyArray_DTypeMeta* dtype) {
  const char* what = "convert it with x.astype(numpy.float64)";
  switch (dtype->type_num) {
    case NPY_BOOL:
      what = "a truth value has no sign; pass x.astype(numpy.int8), or a float dtype";
      break;
    case NPY_LONGDOUBLE:
      what = "it is computed in float64 at most; convert it with x.astype(numpy.float64)";
      break;
    case NPY_CFLOAT:
    case NPY_CDOUBLE:
    case NPY_CLONGDOUBLE:
      what = "complex numbers have no order; pass x.real, x.imag or abs(x)";
      break;
    case NPY_STRING:
    case NPY_UNICODE:
    case NPY_VSTRING:
      what = "text is not a number; convert it with x.astype(numpy.float64)";
      break;
    case NPY_VOID:
      what = "records and raw bytes are not numbers; bfloat16 read back by numpy.load is "
             "x.view(ml_dtypes.bfloat16)";
      break;
    case NPY_DATETIME:
    case NPY_TIMEDELTA:
      what = "dates and durations have no slope; convert them with x.astype(numpy.int64)";
      break;
  }
  const PyTypeObject* scalar = dtype->scalar_type;
  PyErr_Format(PyExc_TypeError, "%s does not take %s: %s", ufunc.pair->name,
               scalar ? scalar->tp_name : "this dtype", what);
}

// The dtype that operands of `dtype` are computed in: a new reference, or null with an exception set.
// Integers become the float that NumPy's own float functions make of them, Python numbers float64
// and NumPy's default integer.
PyArray_DTypeMeta* computed_in(const Ufunc& ufunc, PyArray_DTypeMeta* dtype) {
  const int num = dtype->type_num;
  if (num >= NPY_USERDEF && register_bfloat16(dtype) < 0) return nullptr;
  if (computes(*ufunc.pair, type_of(num))) return NPY_DT_NewRef(dtype);

  if (dtype->scalar_type == &PyFloat_Type) return dtype_of(NPY_DOUBLE).release();
  if (dtype->scalar_type == &PyLong_Type) return computed_in(ufunc, dtype_of(NPY_INTP).get());
  const bool keeps_integers = computes(*ufunc.pair, kInt8);
  if (PyTypeNum_ISINTEGER(num) || (num == NPY_BOOL && !keeps_integers)) {
    Ref<PyArray_DTypeMeta> common(PyArray_CommonDType(dtype, dtype_of(NPY_HALF).get()));
    return common ? computed_in(ufunc, common.get()) : nullptr;
  }
  refuse(ufunc, dtype);
  return nullptr;
}

const Ufunc* find(PyObject* object) {
  for (const Ufunc& ufunc : ufuncs()) {
    if (ufunc.object == object) return &ufunc;
  }
  return nullptr;
}

// PyArrayMethod_PromoterFunction. The dtype of `out` is left open, so that NumPy casts to what it
// holds. NumPy looks for the loop again only where something was changed, and after bfloat16 was
// registered it has to: so where there is no `out`, its dtype is filled in.
int promote(PyObject* object, PyArray_DTypeMeta* const* operands,
            PyArray_DTypeMeta* const* signature, PyArray_DTypeMeta** promoted) {
  const Ufunc* ufunc = find(object);
  const int nin = inputs(*ufunc);
  PyArray_DTypeMeta* const wanted = signature[nin] ? signature[nin] : operands[0];
  if (!wanted) {  // a reduction may leave the first operand open
    PyErr_Format(PyExc_TypeError, "%s is not a reduction; call it on the array",
                 ufunc->name.c_str());
    return -1;
  }
  PyArray_DTypeMeta* const dtype = computed_in(*ufunc, wanted);
  if (!dtype) return -1;
  for (int i = 0; i < nin; ++i) promoted[i] = NPY_DT_NewRef(dtype);
  promoted[nin] = operands[nin] ? nullptr : NPY_DT_NewRef(dtype);
  Py_DECREF(dtype);
  return 0;
}

// Asked for any operands that no loop matches.
bool add_promoter(const Ufunc& ufunc) {
  const int operands = inputs(ufunc) + 1;
  Ref<> any(PyTuple_New(operands));
  Ref<> promoter(
      PyCapsule_New(reinterpret_cast<void*>(&promote), "numpy._ufunc_promoter", nullptr));
  if (!any || !promoter) return false;
  for (int i = 0; i < operands; ++i) {
    PyTuple_SET_ITEM(any.get(), i, Py_NewRef(reinterpret_cast<PyObject*>(&PyArrayDescr_Type)));
  }
  return PyUFunc_AddPromoter(ufunc.object, any.get(), promoter.get()) == 0;
}

bool add_native_loops(const Ufunc& ufunc) {
  for (int num = NPY_BYTE; num <= NPY_HALF; ++num) {
    if (!computes(*ufunc.pair, type_of(num))) continue;
    if (!add_loop(ufunc, type_of(num), dtype_of(num).get())) return false;
  }
  return true;
}

bool make(Ufunc& ufunc) {
  ufunc.object = PyUFunc_FromFuncAndDataAndSignature(
      nullptr, nullptr, nullptr, 0, inputs(ufunc), 1, PyUFunc_None, ufunc.name.c_str(),
      "See the activation of the same name in halfwave.", 0, nullptr);
  return ufunc.object && add_native_loops(ufunc) && add_promoter(ufunc);
}

}  // namespace

Type type_of(int type_num) {
  switch (type_num) {
    case NPY_HALF: return kFloat16;
    case NPY_FLOAT: return kFloat32;
    case NPY_DOUBLE: return kFloat64;
    case NPY_LONGDOUBLE: return kLongDouble;
    case NPY_BYTE: return kInt8;
    case NPY_UBYTE: return kUInt8;
    case NPY_SHORT: return kInt16;
    case NPY_USHORT: return kUInt16;
    case NPY_INT: return kInt32;
    case NPY_UINT: return kUInt32;
    case NPY_LONG: return sizeof(long) == 4 ? kInt32 : kInt64;
    case NPY_ULONG: return sizeof(long) == 4 ? kUInt32 : kUInt64;
    case NPY_LONGLONG: return kInt64;
    case NPY_ULONGLONG: return kUInt64;
  }
  return type_num == bfloat16_num && bfloat16_num >= 0 ? kBFloat16 : kNoType;
}

int register_bfloat16(PyArray_DTypeMeta* dtype) {
  if (dtype->type_num == bfloat16_num) return 1;
  const PyTypeObject* scalar = dtype->scalar_type;
  if (!scalar || std::strcmp(scalar->tp_name, "ml_dtypes.bfloat16") != 0) return 0;
  for (const Ufunc& ufunc : ufuncs()) {
    if (!add_loop(ufunc, kBFloat16, dtype)) return -1;
  }
  bfloat16_num = dtype->type_num;
  return 1;
}

PyObject* ufunc_of(const Pair& pair, Op op) {
  for (const Ufunc& ufunc : ufuncs()) {
    if (ufunc.pair == &pair && ufunc.op == op) return ufunc.object;
  }
  return nullptr;
}

bool add_ufuncs(PyObject* module) {
  static const char* const suffix[kUfuncOps] = {"", "_derivative", "_pullback", "_replace"};
  for (const Pair* pair : pairs()) {
    for (int op = 0; op < kUfuncOps; ++op) {
      ufuncs().push_back({pair, static_cast<Op>(op), std::string(pair->name) + suffix[op], nullptr});
    }
  }
  for (Ufunc& ufunc : ufuncs()) {
    if (!make(ufunc)) return false;
    if (PyModule_AddObjectRef(module, ufunc.name.c_str(), ufunc.object) < 0) return false;
  }
  return true;
}

}  // namespace halfwave
