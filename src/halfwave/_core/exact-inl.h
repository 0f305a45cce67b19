// Sums and products with what their rounding loses, as unevaluated sums hi + lo. Compiled once for
// each instruction set.
//
// Unrounded(hi, lo)   hi + lo, for a lo that is more than what a rounding of hi would lose
// TwoSum(a, b)        a + b exactly
// FastTwoSum(a, b)    the same where |a| >= |b|, or where a is 0
// TwoProduct(a, b)    a b exactly, but for underflow; lo is NaN where a, b or hi is infinite
// Remainder(a, q, b)  a - q b, where q is nearly a / b
// Excess(q, b, a)     q b - a, which is +0 where all three are zeros of one sign
// Product(a, b)       an Exact times a number or an Exact; relative error about an ulp squared
// AtLeast(least, v)   v, but no less than that; NaN where v is NaN
// AtMost(most, v)     v, but no more than that; NaN where v is NaN
// Quotient(a, b)      an Exact by an Exact, rounded: at most a little more than half an ulp off

#if defined(HALFWAVE_EXACT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_EXACT_INL_H
#undef HALFWAVE_EXACT_INL_H
#else
#define HALFWAVE_EXACT_INL_H
#endif

#include <cstdint>
#include <limits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {
using namespace hwy::HWY_NAMESPACE;  // NOLINT: the pairs speak Highway without a prefix

// The tag of a vector. What stands for some vectors says which it is.
template <class V>
struct TagOfVector {
  using Tag = DFromV<V>;
};
template <class V>
using TagOf = typename TagOfVector<V>::Tag;

// The number hi + lo, of which hi is the larger part by far.
template <class V>
struct Exact {
  V hi, lo;
};

// x86 takes the second operand where one is NaN, NEON takes the NaN, and lanes one by one the number.
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
template <class V>
HWY_INLINE V AtLeast(V least, V v) { return IfThenElse(Lt(v, least), least, v); }
template <class V>
HWY_INLINE V AtMost(V most, V v) { return IfThenElse(Gt(v, most), most, v); }
#else
template <class V>
HWY_INLINE V AtLeast(V least, V v) { return Max(least, v); }
template <class V>
HWY_INLINE V AtMost(V most, V v) { return Min(most, v); }
#endif

template <class V>
HWY_INLINE Exact<V> Unrounded(V hi, V lo) { return {hi, lo}; }

template <class V>
HWY_INLINE Exact<V> TwoSum(V a, V b) {
  const V sum = Add(a, b);
  const V part = Sub(sum, a);
  return {sum, Add(Sub(a, Sub(sum, part)), Sub(b, part))};
}

template <class V>
HWY_INLINE Exact<V> FastTwoSum(V a, V b) {
  const V sum = Add(a, b);
  return {sum, Sub(b, Sub(sum, a))};
}

#if HWY_NATIVE_FMA
template <class V>
HWY_INLINE Exact<V> TwoProduct(V a, V b) {
  const V product = Mul(a, b);
  return {product, MulSub(a, b, product)};
}

template <class V>
HWY_INLINE V Remainder(V a, V q, V b) { return NegMulAdd(q, b, a); }

template <class V>
HWY_INLINE V Excess(V q, V b, V a) { return MulSub(q, b, a); }
#else
// The upper half of the significand's bits, by clearing the others: where it is rounded instead, by
// a product with 2^27 + 1, a large number overflows.
template <class V>
HWY_INLINE V UpperHalfOfBits(V a) {
  const TagOf<V> d;
  const RebindToUnsigned<decltype(d)> bits;
  using Bits = TFromD<decltype(bits)>;
  constexpr Bits kUpper = sizeof(Bits) == 8 ? static_cast<Bits>(~uint64_t{0} << 27)
                                            : static_cast<Bits>(~uint64_t{0} << 12);
  return And(a, BitCast(d, Set(bits, kUpper)));
}

// The product of the lower halves is the only one that rounds, by an ulp squared. Next to the
// subnormal numbers all of them may: no lo is better than a wrong one.
template <class V>
HWY_INLINE Exact<V> TwoProduct(V a, V b) {
  const V product = Mul(a, b);
  const V a_high = UpperHalfOfBits(a), b_high = UpperHalfOfBits(b);
  const V a_low = Sub(a, a_high), b_low = Sub(b, b_high);
  const V high = Sub(Mul(a_high, b_high), product);
  const V middle = Add(Add(high, Mul(a_high, b_low)), Mul(a_low, b_high));
  const TagOf<V> d;
  using Limits = std::numeric_limits<TFromD<decltype(d)>>;
  const auto tiny = Lt(Abs(product), Set(d, Limits::min() / Limits::epsilon()));
  return {product, IfThenZeroElse(tiny, Add(middle, Mul(a_low, b_low)))};
}

template <class V>
HWY_INLINE V Remainder(V a, V q, V b) {
  const Exact<V> product = TwoProduct(q, b);
  return Sub(Sub(a, product.hi), product.lo);
}

template <class V>
HWY_INLINE V Excess(V q, V b, V a) {
  const Exact<V> product = TwoProduct(q, b);
  return Add(Sub(product.hi, a), product.lo);
}
#endif

template <class V>
HWY_INLINE Exact<V> Product(Exact<V> a, V b) {
  const Exact<V> product = TwoProduct(a.hi, b);
  return {product.hi, MulAdd(a.lo, b, product.lo)};
}

template <class V>
HWY_INLINE Exact<V> Product(Exact<V> a, Exact<V> b) {
  const Exact<V> product = TwoProduct(a.hi, b.hi);
  return {product.hi, MulAdd(a.lo, b.hi, MulAdd(a.hi, b.lo, product.lo))};
}

// One division, of 1; what the product with that is too large by makes up for the roundings. A zero
// keeps its sign. Not for a reciprocal of b, or an a, that is subnormal or infinite.
template <class V>
HWY_INLINE V Quotient(Exact<V> a, Exact<V> b) {
  const TagOf<V> d;
  const V inverse = Div(Set(d, 1), b.hi);
  const V quotient = Mul(a.hi, inverse);
  const V excess = Add(Excess(quotient, b.hi, a.hi), MulSub(quotient, b.lo, a.lo));
  return NegMulAdd(excess, inverse, quotient);
}

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
