// The extension module halfwave._core.
#define HALFWAVE_IMPORTS_NUMPY
#include <algorithm>
#include <cstdlib>
#include <string>

#include "addresses.h"
#include "callable.h"
#include "numpy_api.h"
#include "recycle.h"
#include "run.h"
#include "table.h"
#include "targets.h"
#include "ufuncs.h"
#include "vjp.h"

namespace halfwave {
namespace {

PyObject* list_of(const std::vector<std::string>& names) {
  Ref<> list(PyList_New(0));
  for (const std::string& name : names) {
    Ref<> item(PyUnicode_FromString(name.c_str()));
    if (!list || !item || PyList_Append(list.get(), item.get()) < 0) return nullptr;
  }
  return list.release();
}

PyObject* py_names(PyObject*, PyObject*) {
  std::vector<std::string> names;
  for (const Pair* pair : pairs()) names.push_back(pair->name);
  return list_of(names);
}

PyObject* py_targets(PyObject*, PyObject*) { return list_of(targets()); }

PyObject* py_target(PyObject*, PyObject*) { return PyUnicode_FromString(target().c_str()); }

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

PyObject* py_use_target(PyObject*, PyObject* name) {
  const char* const wanted = PyUnicode_AsUTF8(name);
  if (!wanted) return nullptr;
  if (use_target(wanted)) Py_RETURN_NONE;
  return PyErr_Format(PyExc_ValueError, "no instruction set %R here; this machine has %s", name,
                      joined(targets()).c_str());
}

bool use_target_of_environment() {
  const char* const wanted = std::getenv("HALFWAVE_TARGET");
  if (!wanted || !*wanted) {
    use_best_target();
    return true;
  }
  if (use_target(wanted)) return true;
  PyErr_Format(PyExc_ImportError,
               "HALFWAVE_TARGET is %s, which this machine does not have: set it to one of %s, or "
               "unset it",
               wanted, joined(targets()).c_str());
  return false;
}

PyObject* py_max_threads(PyObject*, PyObject*) { return PyLong_FromLong(max_threads()); }

PyMethodDef methods[] = {
    {"names", py_names, METH_NOARGS, "The names of all activations, sorted."},
    {"targets", py_targets, METH_NOARGS, "The instruction sets of this machine, the best first."},
    {"target", py_target, METH_NOARGS, "The instruction set in use."},
    {"use_target", py_use_target, METH_O, "Use another instruction set."},
    {"record", record, METH_VARARGS, "record(name, x, parameters) -> (value, gate bits)"},
    {"apply", apply, METH_VARARGS, "apply(name, gate bits, g, parameters) -> g * f'(x)"},
    {"compute_at", compute_at, METH_VARARGS,
     "compute_at(name, op, dtype's letter, n, addresses, parameters); op is value, derivative, "
     "pullback (x, g, result), record (x, value, bits) or apply (bits, g, result)"},
    {"tally", tally_at, METH_VARARGS,
     "tally(dtype's letter, address, samples, units, positions, floor, fired, nonfinite, total, "
     "magnitude, low, high); the dimensions are pairs of a size and a stride in bytes"},
    {"gate_bytes", py_gate_bytes, METH_O, "The bytes that the gate bits of n elements take."},
    {"recycle_results", recycle_results, METH_O, "Set how many bytes are kept for results."},
    {"recycled_bytes", recycled_bytes, METH_NOARGS, "How many bytes are kept for results."},
    {"max_threads", py_max_threads, METH_NOARGS, "How many threads compute a large array."},
    {nullptr, nullptr, 0, nullptr}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "halfwave._core", "The engine.", -1, methods,
                          nullptr, nullptr, nullptr, nullptr};

bool fill(PyObject* module) {
  std::sort(pairs().begin(), pairs().end(), [](const Pair* a, const Pair* b) {
    return std::string(a->name) < b->name;
  });
  if (!use_target_of_environment() || !add_ufuncs(module) || !prepare_recycling()) return false;
  Ref<> type(make_callable_type());
  return type && PyModule_AddObjectRef(module, "Callable", type.get()) == 0 &&
         PyModule_AddObjectRef(module, "ways", ways()) == 0;
}

}  // namespace
}  // namespace halfwave

PyMODINIT_FUNC PyInit__core() {
  import_array();
  import_umath();
  halfwave::prepare_threads();
  halfwave::Ref<> module(PyModule_Create(&halfwave::definition));
  if (!module || !halfwave::fill(module.get())) return nullptr;
  return module.release();
}
