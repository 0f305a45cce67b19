// All loops of one pair on one instruction set, as a table.

#if defined(HALFWAVE_KERNELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_KERNELS_INL_H
#undef HALFWAVE_KERNELS_INL_H
#else
#define HALFWAVE_KERNELS_INL_H
#endif

#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "exact-inl.h"
#include "exponential-inl.h"
#include "falling-inl.h"
#include "fused-inl.h"
#include "lax-inl.h"
#include "logarithm-inl.h"
#include "logistic-inl.h"
#include "loops-inl.h"
#include "residual-inl.h"
#include "smooth-inl.h"
#include "table.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

template <class Pair>
struct Value {
  static constexpr bool kIsQuick = !Pair::is_long;

  template <class D, class V, class... P>
  static HWY_INLINE V Apply(D d, V x, P... p) { return Pair::computed_value(d, x, p...); }
};

template <class Pair>
struct Derivative {
  static constexpr bool kIsQuick = !Pair::is_long;

  template <class D, class V, class... P>
  static HWY_INLINE V Apply(D d, V x, P... p) { return Pair::computed_derivative(d, x, p...); }
};

template <class Pair>
struct Pullback {
  static constexpr bool kIsQuick = !Pair::is_long;

  template <class D, class V, class... P>
  static HWY_INLINE V Apply(D d, V x, V g, P... p) { return Pair::pullback(d, x, g, p...); }
};

// The loop of a function for each format. Code that is long is there for float and double; it serves
// the half precisions, too. So does what computes floats in double. All else has a loop of its own.
template <class Pair, int kArrays, class Function>
struct LoopsOf {
  template <class Format>
  using Own = Elementwise<Format, Function, kArrays, Pair::parameters>;

  template <class Format>
  static constexpr Loop For() {
    using T = typename Format::Stored;
    using OfFloats = Own<FloatOf<Pair>>;
    constexpr bool kInDouble = !std::is_same_v<FloatOf<Pair>, Plain<float>>;
    if constexpr (std::is_same_v<T, float>) {
      return OfFloats::Run;
    } else if constexpr ((Pair::is_long || kInDouble) && !std::is_same_v<T, double>) {
      return Widened<Format, OfFloats>::Run;
    } else {
      return Own<Format>::Run;
    }
  }
};

// Two lanes are enough for one number; the vector code is the same, and so are the bits.
template <class Function, size_t... I>
double One(const double* operands, std::index_sequence<I...>) {
  const CappedTag<double, 2> d;
  return GetLane(Function::Apply(d, Set(d, operands[I])...));
}

template <class Function, int kOperands>
double RunOne(const double* operands) {
  return One<Function>(operands, std::make_index_sequence<kOperands>());
}

template <class Pair, class Format>
void AddType(Kernels& kernels, Type type) {
  kernels.loops[kValue][type] = LoopsOf<Pair, 1, Value<Pair>>::template For<Format>();
  kernels.loops[kDerivative][type] = LoopsOf<Pair, 1, Derivative<Pair>>::template For<Format>();
  kernels.loops[kPullback][type] = LoopsOf<Pair, 2, Pullback<Pair>>::template For<Format>();
  if constexpr (Pair::keeps_bits) {
    kernels.loops[kRecord][type] = Record<Format, Pair>;
    kernels.loops[kApply][type] = Apply<Format, Pair>;
  }
}

template <class Pair>
Kernels MakeKernels() {
  static_assert(Pair::parameters <= kMaxParameters, "raise kMaxParameters in table.h");
  Kernels kernels;
  kernels.parameters = Pair::parameters;
  kernels.singles[kValue] = RunOne<Value<Pair>, 1 + Pair::parameters>;
  kernels.singles[kDerivative] = RunOne<Derivative<Pair>, 1 + Pair::parameters>;
  AddType<Pair, Float16>(kernels, kFloat16);
  AddType<Pair, BFloat16>(kernels, kBFloat16);
  AddType<Pair, Plain<float>>(kernels, kFloat32);
  AddType<Pair, Plain<double>>(kernels, kFloat64);
  if constexpr (Pair::takes_lanes) AddType<Pair, OneLane<long double>>(kernels, kLongDouble);
  if constexpr (Pair::keeps_integers) {
    AddType<Pair, OneLane<int8_t>>(kernels, kInt8);
    AddType<Pair, OneLane<uint8_t>>(kernels, kUInt8);
    AddType<Pair, OneLane<int16_t>>(kernels, kInt16);
    AddType<Pair, OneLane<uint16_t>>(kernels, kUInt16);
    AddType<Pair, OneLane<int32_t>>(kernels, kInt32);
    AddType<Pair, OneLane<uint32_t>>(kernels, kUInt32);
    AddType<Pair, OneLane<int64_t>>(kernels, kInt64);
    AddType<Pair, OneLane<uint64_t>>(kernels, kUInt64);
  }
  return kernels;
}

template <class Pair>
const Kernels* KernelsOf() {
  static const Kernels kernels = MakeKernels<Pair>();
  return &kernels;
}

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
