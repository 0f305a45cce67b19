// What a compiled activation is to the rest of the engine: a table of loops, one for each operation
// and element type, and the name under which it is found. Nothing here knows an activation by name.
#pragma once

#include <cstddef>
#include <vector>

namespace halfwave {

// The operands of one loop: data and strides, in bytes, of every input and then the output, as
// NumPy hands them to a ufunc's inner loop. `stream`: the result will not fit in the cache, so write
// it past the cache.
using Loop = void (*)(char* const* data, const ptrdiff_t* strides, ptrdiff_t n, bool stream);

// The same for one double and its parameters, without the detour through memory.
using Single = double (*)(const double* operands);

// x is the argument, p its parameters, g the gradient that comes back from above.
enum Op : int {
  kValue,       // (x, p...) -> f(x)
  kDerivative,  // (x, p...) -> f'(x)
  kPullback,    // (x, g, p...) -> g f'(x)
  kReplace,     // (x, slopes, at, slope) -> slope where x is `at`, slopes elsewhere
  kRecord,      // (x, p...) -> f(x), gate bits; contiguous
  kApply,       // (gate bits, g, p...) -> g f'(x); contiguous
  kOps
};
constexpr int kUfuncOps = kReplace + 1;

enum Type : int {
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kLongDouble,
  kInt8,
  kUInt8,
  kInt16,
  kUInt16,
  kInt32,
  kUInt32,
  kInt64,
  kUInt64,
  kTypes,
  kNoType = -1
};

// Of the floats that have a size of their own on every machine.
constexpr ptrdiff_t element_size(Type type) {
  return type == kFloat64 ? 8 : type == kFloat32 ? 4 : 2;
}

// One activation on one instruction set. A null loop: the type is not computed in itself.
struct Kernels {
  int parameters = 0;
  Loop loops[kOps][kTypes] = {};
  Single singles[kDerivative + 1] = {};
};

// One activation on this machine: its kernels on the instruction set in use, and the loop that
// NumPy calls for each operation and type (it looks up `kernels` at every call).
struct Pair {
  const char* name;
  const Kernels* kernels;
  void (*use_current_target)();
  void* ufunc_loops[kUfuncOps][kTypes];
};

// An activation takes at most so many.
constexpr int kMaxParameters = 4;

// No loop has more operands: the parameters and three others, as kRecord and kApply have.
constexpr int kMaxOperands = kMaxParameters + 3;

// Every activation that the build found, in alphabetical order of the file names.
std::vector<Pair*>& pairs();

// The one of this name, or null.
const Pair* find_pair(const char* name);

// The bytes that the gate bits of n elements take. They are read eight bytes at a time, so their
// buffer is that much longer.
constexpr ptrdiff_t gate_bytes(ptrdiff_t n) { return (n + 7) / 8 + 8; }

// How many operands a ufunc's operation takes.
inline int inputs(Op op, int parameters) {
  if (op == kReplace) return 4;
  return (op == kPullback ? 2 : 1) + parameters;
}

}  // namespace halfwave
