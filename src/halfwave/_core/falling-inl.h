// The falling logistic function, which is the slope of softplus and of log_sigmoid. Compiled once for
// each instruction set.
//
// FallingLogistic(d, z)  1 / (1 + e^z), at most 2 ULP off, subnormal results included; NaN at NaN
//
// z is a number, or an Exact whose lo is finite. With e^z = 2^n (1 + q) it is p / (p + 1 + q) with
// p = 2^-n, in which nothing overflows, and no more than q, two sums and the quotient are rounded.

#if defined(HALFWAVE_FALLING_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_FALLING_INL_H
#undef HALFWAVE_FALLING_INL_H
#else
#define HALFWAVE_FALLING_INL_H
#endif

#include <cstddef>

#include "exact-inl.h"
#include "exponential-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

// Beyond kLeast the result is 1, and beyond kMost less than half of the smallest number. A p that is
// subnormal is made of one that is kShift powers of two larger. e^r = 1 + r + r^2 (kRest[0] + ...): the
// lines of tools/polynomials/falling.py.
template <class T>
struct FallingConstants;

template <>
struct FallingConstants<float> {
  static constexpr float kLeast = -32.0f, kMost = 105.0f;
  static constexpr int kShift = 64;
  static constexpr float kShiftBack = 0x1p-64f;
  // Relative error of e^r: 3.1e-9, 2^-28.2.
  static constexpr float kRest[] = {
      0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558b4p-5f, 0x1.12399ap-7f, 0x1.6a48c8p-10f};
};

template <>
struct FallingConstants<double> {
  static constexpr double kLeast = -64.0, kMost = 746.0;
  static constexpr int kShift = 128;
  static constexpr double kShiftBack = 0x1p-128;
  // Relative error of e^r: 3.7e-18, 2^-57.9.
  static constexpr double kRest[] = {
      0x1.000000000000ap-1, 0x1.5555555555508p-3, 0x1.555555555074cp-5, 0x1.11111111253d9p-7,
      0x1.6c16c18453d56p-10, 0x1.a01a01349855p-13, 0x1.a01999b5fa757p-16, 0x1.71df1307a4ee6p-19,
      0x1.28adb8923685cp-22, 0x1.ad97973fd290fp-26};
};

// c[0] + c[1] r + c[2] r^2 + ...: the even and the odd powers apart, which do not wait for each other.
template <class D, class V, class T, size_t kTerms>
HWY_INLINE V ByPairs(D d, const T (&c)[kTerms], V r, V square) {
  constexpr size_t kEven = (kTerms - 1) / 2 * 2, kOdd = kTerms / 2 * 2 - 1;
  V even = Set(d, c[kEven]), odd = Set(d, c[kOdd]);
  for (size_t i = kEven; i > 0; i -= 2) even = MulAdd(even, square, Set(d, c[i - 2]));
  for (size_t i = kOdd; i > 1; i -= 2) odd = MulAdd(odd, square, Set(d, c[i - 2]));
  return MulAdd(odd, r, even);
}

template <class V>
HWY_INLINE V Leading(V z) { return z; }
template <class V>
HWY_INLINE V Leading(Exact<V> z) { return z.hi; }

template <class V>
HWY_INLINE V WithRest(V r, V) { return r; }
template <class V>
HWY_INLINE V WithRest(V r, Exact<V> z) { return Add(r, z.lo); }

// 2^-n 2^kShift, for a whole n: a difference has its exponent in the last bits, which are shifted to
// where the exponent belongs.
template <class D, class V>
HWY_INLINE V ShiftedPower(D d, V n) {
  using T = TFromD<D>;
  using K = ExponentialConstants<T>;
  const RebindToUnsigned<D> bits;
  const T one = T(3) * (1ull << (K::kDigits - 1)) + K::kMost;  // the exponent of 1 is kMost
  const V difference = Sub(Set(d, one + FallingConstants<T>::kShift), n);
  return BitCast(d, ShiftLeft<K::kDigits>(BitCast(bits, difference)));
}

template <class D, class Z>
HWY_INLINE Vec<D> FallingLogistic(D d, Z z) {
  using V = Vec<D>;
  using T = TFromD<D>;
  using K = ExponentialConstants<T>;
  using F = FallingConstants<T>;
  const V within = AtMost(Set(d, F::kMost), AtLeast(Set(d, F::kLeast), Leading(z)));
  const V round = Set(d, T(3) * (1ull << (K::kDigits - 1)));
  const V n = Sub(MulAdd(within, Set(d, K::kLog2E), round), round);
  const V left = NegMulAdd(n, Set(d, K::kLn2High), within);
  const V r = WithRest(NegMulAdd(n, Set(d, K::kLn2Low), left), z);
  const V square = Mul(r, r);
  const V q = MulAdd(square, ByPairs(d, F::kRest, r, square), r);
  const V p = Mul(ShiftedPower(d, n), Set(d, F::kShiftBack));
  return Div(p, Add(Set(d, 1), Add(q, p)));
}

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
