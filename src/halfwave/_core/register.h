// Enters one pair into the registry, with a loop of its own for NumPy to call for every operation and
// type: NumPy hands a ufunc's loop no pointer of ours, so the loop's address has to say which it is.
#pragma once

#include <cfenv>
#include <utility>

#include "numpy_api.h"
#include "table.h"

namespace halfwave {

template <class Here, Op op, Type type>
int UfuncLoop(PyArrayMethod_Context*, char* const* data, const npy_intp* dimensions,
              const npy_intp* strides, NpyAuxData*) {
  Here::pair.kernels->loops[op][type](data, strides, dimensions[0]);
  // NumPy reads the flags where it casts an operand, in spite of NPY_METH_NO_FLOATINGPOINT_ERRORS.
  if (std::fetestexcept(FE_ALL_EXCEPT)) std::feclearexcept(FE_ALL_EXCEPT);
  return 0;
}

template <class Here, Op op, int... type>
void AddUfuncLoops(std::integer_sequence<int, type...>) {
  ((Here::pair.ufunc_loops[op][type] =
        reinterpret_cast<void*>(&UfuncLoop<Here, op, static_cast<Type>(type)>)),
   ...);
}

template <class Here>
bool Register(const char* name) {
  Here::pair.name = name;
  Here::pair.use_current_target = Here::UseCurrentTarget;
  using Types = std::make_integer_sequence<int, kTypes>;
  AddUfuncLoops<Here, kValue>(Types());
  AddUfuncLoops<Here, kDerivative>(Types());
  AddUfuncLoops<Here, kPullback>(Types());
  AddUfuncLoops<Here, kReplace>(Types());
  pairs().push_back(&Here::pair);
  return true;
}

}  // namespace halfwave
