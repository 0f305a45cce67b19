// Enters one pair into the registry, with a loop of its own for NumPy to call for every operation and
// type: NumPy hands a ufunc's loop no pointer of ours, so the loop's address has to say which it is.
#pragma once

#include <cfenv>
#include <utility>

#include "numpy_api.h"
#include "replace.h"
#include "run.h"
#include "table.h"

namespace halfwave {

// Whether each element reads what the one before it wrote, as in a reduction or accumulation.
inline bool is_chained(char* const* data, const npy_intp* strides) {
  return strides[0] == strides[2] && (strides[2] == 0 || data[0] + strides[0] == data[2]);
}

// Whether the result lies over an input, and not element on element. NumPy allows that where going
// from the front to the back reads each element before it is written over; no other order does.
inline bool needs_order(char* const* data, const npy_intp* strides, int count, npy_intp n) {
  const int out = count - 1;
  const auto first = [&](int k) { return data[k] + (strides[k] < 0 ? (n - 1) * strides[k] : 0); };
  const auto last = [&](int k) { return data[k] + (strides[k] > 0 ? (n - 1) * strides[k] : 0); };
  for (int k = 0; k < out; ++k) {
    const bool same = data[k] == data[out] && strides[k] == strides[out];
    if (!same && first(k) <= last(out) && first(out) <= last(k)) return true;
  }
  return false;
}

template <class Here, Op op, Type type>
int UfuncLoop(PyArrayMethod_Context* context, char* const* data, const npy_intp* dimensions,
              const npy_intp* strides, NpyAuxData*) {
  const Loop loop = op == kReplace ? replace_loop(type) : Here::pair.kernels->loops[op][type];
  const int operands = inputs(op, Here::pair.kernels->parameters) + 1;
  if (operands == 3 && is_chained(data, strides)) {
    for (npy_intp i = 0; i < dimensions[0]; ++i) {
      char* const at[] = {data[0] + i * strides[0], data[1] + i * strides[1],
                          data[2] + i * strides[2]};
      loop(at, strides, 1, false);
    }
  } else if (needs_order(data, strides, operands, dimensions[0])) {
    loop(data, strides, dimensions[0], false);
  } else {
    run(loop, {data, strides, operands, dimensions[0], PyDataType_ELSIZE(context->descriptors[0])});
  }
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
