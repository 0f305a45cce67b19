// The exponential, for float (where a product and a sum round once) and double. Compiled once for
// each instruction set.
//
// Exponential(d, z)       e^z as a Power: (hi + lo) 2^exponent, of relative error 2^-27 or 2^-56.
//                         hi + lo is within [0.7, 1.42], |lo| at most half an ulp of hi or so
// StepsToPower(d, n)      2^n as a product of two, for an exponent of a Power that is at most kMost
// ScaledByPower(d, v, n)  v 2^n, for the exponent of a Power: exact, but where it is subnormal;
//                         there it adds at most 3/4 of the last place
// Expm1(d, z)             e^z - 1 as an Exact of relative error 2^-25 or 2^-54 that is yet to be
//                         multiplied by 2^rest, where rest is 0 for z <= 44
// TimesExponential(d, c, z)
//                         c e^z rounded, for an Exact c, at most 1.25 ulps off; twice as quick where z
//                         is not far out
// QuickExponential(d, z)  e^z rounded, at most 1 ulp or so off, of normal numbers; tails end at the
//                         smallest and the largest power of two
//
// z is a number, or an Exact whose lo is far smaller than 1. It is brought within +-kFarthest
// first, so far out that e^z times any number of a sensible size is 0 or infinite. NaN comes
// through.
//
// To the processor a subnormal number is an exception, which takes it some hundred cycles. So where
// a power of two is too small to count it is replaced, and far out what would be 0 in the end is 0
// before.

#if defined(HALFWAVE_EXPONENTIAL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_EXPONENTIAL_INL_H
#undef HALFWAVE_EXPONENTIAL_INL_H
#else
#define HALFWAVE_EXPONENTIAL_INL_H
#endif

#include <cstddef>

#include "exact-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

// ln 2 as a sum of two, of which the products of the first with all exponents that occur are exact;
// and e^r = 1 + r + r^2 (kRest[0] + kRest[1] r + ...) for |r| up to half of ln 2. The lines are
// those of tools/polynomials/exponential.py.
template <class T>
struct ExponentialConstants;

template <>
struct ExponentialConstants<float> {
  static constexpr float kLog2E = 0x1.715476p+0f;
  static constexpr float kLn2High = 0x1.62e43p-1f;
  static constexpr float kLn2Low = -0x1.05c61p-29f;
  // Relative error of e^r - 1: 4.3e-10, 2^-31.1.
  static constexpr float kRest[] = {
      0x1p-1f, 0x1.555554p-3f, 0x1.5554f8p-5f, 0x1.1112d6p-7f, 0x1.6d3a5ap-10f, 0x1.9e7826p-13f};

  static constexpr int kDigits = 23;
  static constexpr float kLeast = -126.0f;     // the exponents of normal numbers
  static constexpr float kMost = 127.0f;
  static constexpr float kSmall = 0x1p-63f;    // far from 1, and from the subnormal numbers
  static constexpr float kFarthest = 174.0f;   // e^-174 is a little more than 2^(2 kLeast)
};

template <>
struct ExponentialConstants<double> {
  static constexpr double kLog2E = 0x1.71547652b82fep+0;
  static constexpr double kLn2High = 0x1.62e42fefa4p-1;
  static constexpr double kLn2Low = -0x1.8432a1b0e2634p-43;
  // Relative error of e^r - 1: 2.8e-19, 2^-61.6.
  static constexpr double kRest[] = {
      0x1p-1, 0x1.5555555555559p-3, 0x1.5555555555558p-5, 0x1.111111110f713p-7,
      0x1.6c16c16c174b9p-10, 0x1.a01a01af9e81ep-13, 0x1.a01a0199c32b7p-16, 0x1.71ddf922e55c5p-19,
      0x1.27e50299a0149p-22, 0x1.af5d462e4057p-26, 0x1.1f2a409523385p-29};

  static constexpr int kDigits = 52;
  static constexpr double kLeast = -1022.0;
  static constexpr double kMost = 1023.0;
  static constexpr double kSmall = 0x1p-511;
  static constexpr double kFarthest = 1416.0;
};

// The number (significand.hi + significand.lo) 2^exponent; the exponent is a whole number.
template <class V>
struct Power {
  Exact<V> significand;
  V exponent;
};

// 2^n for a whole n within [kLeast, kMost]: a sum with 1.5 2^kDigits + kMost has n + kMost in its
// last bits, which are shifted to where the exponent belongs.
template <class D, class V>
HWY_INLINE V PowerOfTwo(D d, V n) {
  using T = TFromD<D>;
  using K = ExponentialConstants<T>;
  const RebindToUnsigned<D> bits;
  const V sum = Add(n, Set(d, T(3) * (1ull << (K::kDigits - 1)) + K::kMost));
  return BitCast(d, ShiftLeft<K::kDigits>(BitCast(bits, sum)));
}

// What takes n to the exponents of normal numbers, from below, and 2^n as the product of both.
// Where the second is not 1 it is at most 1/2: it halves the error of a product with the first.
template <class V>
struct Steps {
  V first, second;
};

template <class D, class V>
HWY_INLINE Steps<V> StepsToPower(D d, V n) {
  const V normal = AtLeast(Set(d, ExponentialConstants<TFromD<D>>::kLeast), n);
  return {PowerOfTwo(d, normal), PowerOfTwo(d, Sub(n, normal))};
}

// A power of two that is to be added to 1 or more, after a product with a number of a sensible size:
// beside 1, no less counts than this.
template <class D, class V>
HWY_INLINE V Counting(D d, V power) {
  return Max(power, Set(d, ExponentialConstants<TFromD<D>>::kSmall));
}

template <class D, class V>
HWY_INLINE V ScaledByPower(D d, V v, V n) {
  using K = ExponentialConstants<TFromD<D>>;
  const V normal = AtMost(Set(d, K::kMost), AtLeast(Set(d, K::kLeast), n));
  return Mul(Mul(v, PowerOfTwo(d, normal)), PowerOfTwo(d, Sub(n, normal)));
}

// Near enough for an exponent to have a power of two; without the lo of a number that was not.
template <class D, class V>
HWY_INLINE V Near(D d, V z) {
  using K = ExponentialConstants<TFromD<D>>;
  return AtMost(Set(d, K::kFarthest), AtLeast(Set(d, -K::kFarthest), z));
}

template <class D, class V>
HWY_INLINE Exact<V> Near(D d, Exact<V> z) {
  const V near = Near(d, z.hi);
  return {near, IfThenElseZero(Eq(near, z.hi), z.lo)};
}

// z = exponent ln 2 + r, and e^r - 1 - r.
template <class V>
struct Reduced {
  V exponent;
  V r, rest;
};

// The multiple of ln 2 is the nearest: a sum with 1.5 2^kDigits rounds it. What its first product
// leaves of z is exact, so that a FastTwoSum keeps all that the others give. The terms r^2/2 and r
// lo are large enough to count: each is taken with one rounding.
template <class D, class V, class L>
HWY_INLINE Reduced<V> Reduce(D d, V z, L lo) {
  using T = TFromD<D>;
  using K = ExponentialConstants<T>;
  const V round = Set(d, T(3) * (1ull << (K::kDigits - 1)));
  const V n = Sub(MulAdd(z, Set(d, K::kLog2E), round), round);
  const V left = NegMulAdd(n, Set(d, K::kLn2High), z);
  const Exact<V> r = FastTwoSum(left, NegMulAdd(n, Set(d, K::kLn2Low), lo));
  constexpr size_t kTerms = sizeof(K::kRest) / sizeof(T);
  V rest = Set(d, K::kRest[kTerms - 1]);
  for (size_t i = kTerms - 1; i-- > 1;) rest = MulAdd(rest, r.hi, Set(d, K::kRest[i]));
  const V half = MulAdd(Mul(r.hi, r.hi), rest, Mul(r.hi, Set(d, K::kRest[0])));
  return {n, r.hi, MulAdd(half, r.hi, MulAdd(r.hi, r.lo, r.lo))};
}

template <class D, class V>
HWY_INLINE Power<V> PowerOf(D d, Reduced<V> e) {
  const V one = Set(d, 1);
  const V hi = Add(one, Add(e.r, e.rest));
  return {{hi, Add(Add(Sub(one, hi), e.r), e.rest)}, e.exponent};
}

template <class D, class V>
HWY_INLINE Power<V> Exponential(D d, V z) {
  return PowerOf(d, Reduce(d, Near(d, z), Zero(d)));
}

template <class D, class V>
HWY_INLINE Power<V> Exponential(D d, Exact<V> z) {
  const Exact<V> near = Near(d, z);
  return PowerOf(d, Reduce(d, near.hi, near.lo));
}

template <class D, class V>
HWY_INLINE V HighPart(D, V z) { return z; }
template <class D, class V>
HWY_INLINE V HighPart(D, Exact<V> z) { return z.hi; }

#if HWY_NATIVE_FMA
// left - n low, with the lo of y where that is Exact.
template <class V>
HWY_INLINE V Shortened(V left, V n, V low, V) { return NegMulAdd(n, low, left); }
template <class V>
HWY_INLINE V Shortened(V left, V n, V low, Exact<V> y) {
  return Add(left, NegMulAdd(n, low, y.lo));
}

// e^y = power (1 + r + square rest), for |y| < kMost ln 2, where r is at most half of ln 2 in size.
template <class V>
struct Growth {
  V power, r, square, rest;
};

// A sum with 1.5 2^kDigits + kMost rounds y / ln 2 and has its exponent in the last bits. r is
// rounded once. The terms are taken in pairs, for a shorter chain of operations than one after the
// other.
template <class D, class Z>
HWY_INLINE Growth<Vec<D>> GrowthOf(D d, Z y) {
  using T = TFromD<D>;
  using V = Vec<D>;
  using K = ExponentialConstants<T>;
  const RebindToUnsigned<D> bits;
  const V shift = Set(d, T(3) * (1ull << (K::kDigits - 1)) + K::kMost);
  const V sum = MulAdd(HighPart(d, y), Set(d, K::kLog2E), shift);
  const V n = Sub(sum, shift);
  const V left = NegMulAdd(n, Set(d, K::kLn2High), HighPart(d, y));
  const V r = Shortened(left, n, Set(d, K::kLn2Low), y);
  const V square = Mul(r, r);
  constexpr size_t kTerms = sizeof(K::kRest) / sizeof(T);
  V rest = Set(d, K::kRest[kTerms - 1]);
  if (kTerms % 2 == 0) rest = MulAdd(rest, r, Set(d, K::kRest[kTerms - 2]));
  for (size_t i = (kTerms - 1) / 2 * 2; i >= 2; i -= 2) {
    rest = MulAdd(rest, square, MulAdd(r, Set(d, K::kRest[i - 1]), Set(d, K::kRest[i - 2])));
  }
  return {BitCast(d, ShiftLeft<K::kDigits>(BitCast(bits, sum))), r, square, rest};
}

// Where e^z and e^-z are normal numbers. False at NaN.
template <class D, class V>
HWY_INLINE auto IsClose(D d, V z) {
  using K = ExponentialConstants<TFromD<D>>;
  return Gt(Or(SignBit(d), z), Set(d, K::kLeast * K::kLn2High + 1));
}
#endif

template <class D, class V, class Z>
HWY_INLINE V CarefullyTimesExponential(D d, Exact<V> c, Z z) {
  const Power<V> power = Exponential(d, z);
  const Exact<V> part = Product(power.significand, c);
  const V sum = Add(part.hi, part.lo);
  const auto gone = Lt(HighPart(d, z), Set(d, -ExponentialConstants<TFromD<D>>::kFarthest));
  return ScaledByPower(d, IfThenElse(gone, Mul(sum, Zero(d)), sum), power.exponent);
}

// Farther out, where a power of two is to come last, a lane is computed again.
template <class D, class V, class Z>
HWY_INLINE V TimesExponential(D d, Exact<V> c, Z z) {
#if HWY_NATIVE_FMA
  const Growth<V> e = GrowthOf(d, z);
  const V scaled = Mul(c.hi, e.power);
  const V part = MulAdd(e.square, e.rest, e.r);
  const V result = Add(scaled, MulAdd(scaled, part, Mul(c.lo, e.power)));
  const auto close = IsClose(d, HighPart(d, z));
  if (HWY_LIKELY(AllTrue(d, close))) return result;
  return IfThenElse(close, result, CarefullyTimesExponential(d, c, z));
#else
  return CarefullyTimesExponential(d, c, z);
#endif
}

// (hi + lo) 2^rest.
template <class V>
struct LargePower {
  Exact<V> significand;
  V rest;
};

// With p = 2^exponent: (p - 1) + p r + p rest. p - 1 is 0 near z = 0, where nothing may be lost of
// r; and a product with p is exact.
template <class D, class V>
HWY_INLINE LargePower<V> LessOne(D d, Reduced<V> e) {
  using K = ExponentialConstants<TFromD<D>>;
  const V n = AtMost(Set(d, 64), AtLeast(Set(d, -64), e.exponent));  // beside 1 no less counts
  const V power = PowerOfTwo(d, n);
  const Exact<V> less = TwoSum(power, Set(d, -1));
  const V hi = MulAdd(power, e.r, less.hi);
  const V lo = MulAdd(power, e.r, Sub(less.hi, hi));
  const V rest = AtMost(Set(d, K::kMost), AtLeast(Zero(d), Sub(e.exponent, n)));
  return {Unrounded(hi, MulAdd(power, e.rest, Add(lo, less.lo))), rest};
}

template <class D, class V>
HWY_INLINE LargePower<V> Expm1(D d, V z) { return LessOne(d, Reduce(d, Near(d, z), Zero(d))); }

template <class D, class V>
HWY_INLINE LargePower<V> Expm1(D d, Exact<V> z) {
  const Exact<V> near = Near(d, z);
  return LessOne(d, Reduce(d, near.hi, near.lo));
}

template <class D, class V>
HWY_INLINE V QuickExponential(D d, V z) {
  using K = ExponentialConstants<TFromD<D>>;
  const Reduced<V> e = Reduce(d, Near(d, z), Zero(d));
  const V power = PowerOfTwo(d, AtMost(Set(d, K::kMost), AtLeast(Set(d, K::kLeast), e.exponent)));
  return Mul(Add(Set(d, 1), Add(e.r, e.rest)), power);
}

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
