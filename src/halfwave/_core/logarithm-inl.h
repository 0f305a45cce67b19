// Logarithms, for float (where a product and a sum round once) and double. Compiled once for each
// instruction set.
//
// Log1p(d, w)      log(1 + w) as an Exact, for an Exact w from 0 to 1; relative error 2^-27 or 2^-56
// Log1pExp(d, z)   log(1 + e^z) as a Power, for z <= 0. Its exponent is 0 but far on the left, where
//                  the logarithm is e^z; ScaledByPower takes it in at the end. z is a number or an Exact
//
// Both are near log 2 - z^2/8 + z/2 where z is near 0: the parts of the Exact then overlap by little.

#if defined(HALFWAVE_LOGARITHM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_LOGARITHM_INL_H
#undef HALFWAVE_LOGARITHM_INL_H
#else
#define HALFWAVE_LOGARITHM_INL_H
#endif

#include <cstddef>

#include "exact-inl.h"
#include "exponential-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

// log(1 + f) = f + f^2 (kRest[0] + kRest[1] f + ...) for f from -1/4 to 1/2. The lines are those of
// tools/polynomials/logarithm.py.
template <class T>
struct LogarithmConstants;

template <>
struct LogarithmConstants<float> {
  static constexpr float kLn2High = 0x1.62e43p-1f;
  static constexpr float kLn2Low = -0x1.05c61p-29f;
  // Relative error of the logarithm: 2.8e-9, 2^-28.4.
  static constexpr float kRest[] = {
      -0x1.000004p-1f, 0x1.5555bep-2f, -0x1.fffc34p-3f, 0x1.995b9ep-3f, -0x1.553ebep-3f,
      0x1.29b18p-3f, -0x1.0c5f7ep-3f, 0x1.9ca2cep-4f, -0x1.538fc8p-5f};

  static constexpr float kLeast = -40.0f;  // log(1 + 2^-40) is 2^-40 but for far less than an ulp
};

template <>
struct LogarithmConstants<double> {
  static constexpr double kLn2High = 0x1.62e42fefa39efp-1;
  static constexpr double kLn2Low = 0x1.abc9e3b39803fp-56;
  // Relative error of the logarithm: 4.8e-18, 2^-57.5.
  static constexpr double kRest[] = {
      -0x1.0000000000005p-1, 0x1.55555555556dcp-2, -0x1.fffffffffff83p-3, 0x1.999999996794dp-3,
      -0x1.5555555472f96p-3, 0x1.24924935f0b52p-3, -0x1.00000075907eep-3, 0x1.c71c6ccabeae5p-4,
      -0x1.99996733ac09dp-4, 0x1.745d428ea9c3cp-4, -0x1.555ab21f6455ap-4, 0x1.3b1c01e23abc7p-4,
      -0x1.244dfbe98b247p-4, 0x1.1014ca8c35abfp-4, -0x1.00a9b97f43db6p-4, 0x1.f4db0112bc9e1p-5,
      -0x1.e6d252eb127e4p-5, 0x1.93629e0f5ca52p-5, -0x1.c4d5cdeaaa74p-6, 0x1.e29fdf77230e9p-8};

  static constexpr double kLeast = -72.0;
};

// Above 1/2, 1 + w is 2 (1 + f) with f = (w - 1)/2, which is exact. The low part of f enters with the
// slope of the logarithm, 1/(1 + f), for which 1 - f is near enough.
template <class D, class V>
HWY_INLINE Exact<V> Log1p(D d, Exact<V> w) {
  using T = TFromD<D>;
  using K = LogarithmConstants<T>;
  const V half = Set(d, 0.5);
  const auto large = Gt(w.hi, half);
  const V f = IfThenElse(large, MulSub(half, w.hi, half), w.hi);
  const V f_low = IfThenElse(large, Mul(half, w.lo), w.lo);
  const Exact<V> sum = FastTwoSum(IfThenElseZero(large, Set(d, K::kLn2High)), f);
  const V sum_low = Add(sum.lo, IfThenElseZero(large, Set(d, K::kLn2Low)));
  constexpr size_t kTerms = sizeof(K::kRest) / sizeof(T);
  V rest = Set(d, K::kRest[kTerms - 1]);
  for (size_t i = kTerms - 1; i-- > 0;) rest = MulAdd(rest, f, Set(d, K::kRest[i]));
  return {sum.hi, MulAdd(Mul(f, f), rest, NegMulAdd(f_low, f, Add(sum_low, f_low)))};
}

// The logarithm of 1 and a power below 2^kLeast is the power itself: it is computed as that of a
// larger one, and the rest of the exponent is kept.
template <class D, class Z>
HWY_INLINE Power<Vec<D>> Log1pExp(D d, Z z) {
  using V = Vec<D>;
  const Power<V> e = Exponential(d, z);
  const V near = AtLeast(Set(d, LogarithmConstants<TFromD<D>>::kLeast), e.exponent);
  const V power = PowerOfTwo(d, near);
  const Exact<V> w = {Mul(e.significand.hi, power), Mul(e.significand.lo, power)};
  return {Log1p(d, w), Sub(e.exponent, near)};
}

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
