// log(1 + e^z), for float (where a product and a sum round once) and double. Compiled once for each
// instruction set.
//
// Log1pExp(d, z)          log(1 + e^z) as a Power, for z up to kMost, beyond which it is z but for less
//                         than a rounding; relative error 2^-26 or 2^-55. The exponent is 0 but far on
//                         the left, where the logarithm is e^z. NaN comes through. z is a number or an
//                         Exact, as in Exponential
// RoundedLog1pExp(d, z)   the same as a number, for every number z
//
// It is max(z, 0) + log(1 + w) with w = e^-|z|, which is from 0 to 1: nothing cancels. Above 1/2, 1 + w
// is 2 (1 + f) with f = (w - 1)/2, which is exact; below, f is w itself.

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
  static constexpr float kMost = 27.0f;    // a little less than 40 log 2
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
  static constexpr double kMost = 49.0;
};

// kRest[k] + kRest[k + 1] f + ... of 2^kLevel terms, as far as there are any: halves that do not wait
// for each other. powers[i] is f^(2^i).
template <int kLevel, size_t k, class D, class V>
HWY_INLINE V RestOfLog(D d, const V* powers) {
  using T = TFromD<D>;
  constexpr size_t kTerms = sizeof(LogarithmConstants<T>::kRest) / sizeof(T);
  if constexpr (kLevel == 0) {
    return Set(d, LogarithmConstants<T>::kRest[k]);
  } else {
    constexpr size_t kMiddle = k + (size_t{1} << (kLevel - 1));
    const V low = RestOfLog<kLevel - 1, k>(d, powers);
    if constexpr (kMiddle >= kTerms) return low;
    else return MulAdd(RestOfLog<kLevel - 1, kMiddle>(d, powers), powers[kLevel - 1], low);
  }
}

// start + log(1 + w), where w is at most 1, and start is 0 or not less than -log w. The low part of w
// enters with the slope of the logarithm, 1/(1 + w), for which 1 - 9/16 w is near enough.
template <class D, class V>
HWY_INLINE Exact<V> PlusLog1p(D d, Exact<V> start, Exact<V> w) {
  using K = LogarithmConstants<TFromD<D>>;
  const V half = Set(d, 0.5);
  const auto large = Gt(w.hi, half);
  const V f = IfThenElse(large, MulSub(half, w.hi, half), w.hi);
  const Exact<V> base = FastTwoSum(IfThenElseZero(large, Set(d, K::kLn2High)), start.hi);
  const Exact<V> sum = FastTwoSum(base.hi, f);
  const V low = Add(Add(start.lo, IfThenElseZero(large, Set(d, K::kLn2Low))), Add(base.lo, sum.lo));
  const auto w_low = NegMulAdd(Mul(Set(d, 0.5625), w.lo), w.hi, w.lo);

  V powers[5] = {f, Mul(f, f)};
  for (int i = 2; i < 5; ++i) powers[i] = Mul(powers[i - 1], powers[i - 1]);
  const V rest = MulAdd(RestOfLog<5, 1>(d, powers), f, Set(d, K::kRest[0]));
  return Unrounded(sum.hi, MulAdd(powers[1], rest, Add(low, w_low)));
}

// The logarithm of 1 and a power below 2^kLeast is the power itself: it is computed as that of a
// larger one, and the rest of the exponent is kept.
template <class D, class V>
HWY_INLINE Power<V> Log1pExp(D d, Exact<V> z) {
  const V sign = AndNot(z.hi, SignBit(d));
  const Power<V> e = Exponential(d, Exact<V>{Or(z.hi, SignBit(d)), Xor(z.lo, sign)});
  const V near = AtLeast(Set(d, LogarithmConstants<TFromD<D>>::kLeast), e.exponent);
  const V power = PowerOfTwo(d, near);
  const Exact<V> w = {Mul(e.significand.hi, power), Mul(e.significand.lo, power)};
  const auto right = Gt(z.hi, Zero(d));
  const Exact<V> start = {IfThenElseZero(right, z.hi), IfThenElseZero(right, z.lo)};
  return {PlusLog1p(d, start, w), Sub(e.exponent, near)};
}

template <class D, class V>
HWY_INLINE Power<V> Log1pExp(D d, V z) {
  return Log1pExp(d, Exact<V>{z, Zero(d)});
}

// An exponent below that of the least normal number makes 0 of the power, and so does that exponent.
template <class D, class V>
HWY_INLINE V RoundedLog1pExp(D d, V z) {
  using T = TFromD<D>;
  const Power<V> log = Log1pExp(d, z);
  const V exponent = AtLeast(Set(d, ExponentialConstants<T>::kLeast), log.exponent);
  const V rounded = Mul(Add(log.significand.hi, log.significand.lo), PowerOfTwo(d, exponent));
  return IfThenElse(Gt(z, Set(d, LogarithmConstants<T>::kMost)), z, rounded);
}

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
