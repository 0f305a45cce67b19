// The logistic function s(z) = 1 / (1 + e^-z), as the gate of x s(z). Compiled once for each
// instruction set.
//
// Gated(d, x, z)       x s(z): 0 where z is far below 0, x where x is infinite elsewhere
// GatedSlope(d, z, t)  s(z) (1 + t s(-z)), which is the derivative of x s(z(x)) with t = x z'(x);
//                      z and t are finite, and of one sign
//
// z and t are numbers, or Exact: an error of z is a relative error of the tail.
//
// There are two ways. The careful one holds everywhere: with e = e^-|z|, which never overflows,
// s(z) is 1 / (1 + e) for z >= 0 and e / (1 + e) below, and there the power of two of e is left for
// last, so that a subnormal result is not rounded before. The quick one needs no such choice, and
// takes half as long, but only while e^-z is a normal number. Where a vector has a lane that is
// farther out, that lane is computed again by the careful way.

#if defined(HALFWAVE_LOGISTIC_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_LOGISTIC_INL_H
#undef HALFWAVE_LOGISTIC_INL_H
#else
#define HALFWAVE_LOGISTIC_INL_H
#endif

#include <limits>

#include "exact-inl.h"
#include "exponential-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

template <class D, class V>
HWY_INLINE Exact<V> AsExact(D d, V z) { return {z, Zero(d)}; }
template <class D, class V>
HWY_INLINE Exact<V> AsExact(D, Exact<V> z) { return z; }

// A sum, with the lo of the term in it where that is Exact.
template <class V>
HWY_INLINE V WithLow(V sum, V) { return sum; }
template <class V>
HWY_INLINE V WithLow(V sum, Exact<V> term) { return Add(sum, term.lo); }

template <class V>
HWY_INLINE V Opposite(V z) { return Neg(z); }
template <class V>
HWY_INLINE Exact<V> Opposite(Exact<V> z) { return {Neg(z.hi), Neg(z.lo)}; }

template <class D, class V>
HWY_INLINE V NegativeAbs(D d, V z) { return Or(SignBit(d), z); }
template <class D, class V>
HWY_INLINE Exact<V> NegativeAbs(D d, Exact<V> z) {
  return {NegativeAbs(d, z.hi), Xor(z.lo, AndNot(z.hi, SignBit(d)))};
}

template <class D, class M, class V>
HWY_INLINE Exact<V> Choose(D, M mask, Exact<V> yes, Exact<V> no) {
  return {IfThenElse(mask, yes.hi, no.hi), IfThenElse(mask, yes.lo, no.lo)};
}

// e^-|z| = significand first second; and as e, and in 1 + e, where it is at least kSmall or so.
template <class V>
struct Gate {
  Exact<V> significand;
  Steps<V> steps;
  Exact<V> e, one_and_e;
};

template <class D, class Z>
HWY_INLINE Gate<Vec<D>> GateOf(D d, Z z) {
  using V = Vec<D>;
  const Power<V> power = Exponential(d, NegativeAbs(d, z));
  const Steps<V> steps = StepsToPower(d, power.exponent);
  const V counting = Counting(d, steps.first);
  const Exact<V> e = {Mul(power.significand.hi, counting), Mul(power.significand.lo, counting)};
  const Exact<V> sum = FastTwoSum(Set(d, 1), e.hi);
  return {power.significand, steps, e, {sum.hi, Add(sum.lo, e.lo)}};
}

// v times the power of two that is left for last, below 0; 0 where nothing is left of it.
template <class M, class V>
HWY_INLINE V ScaledBelow(M below, M gone, V v, Steps<V> steps) {
  const TagOf<V> d;
  const V one = Set(d, 1);
  const V first = IfThenZeroElse(gone, IfThenElse(below, steps.first, one));
  return Mul(Mul(v, first), IfThenElse(below, steps.second, one));
}

template <class D, class V, class Z>
HWY_INLINE V CarefullyGated(D d, V x, Z z) {
  using T = TFromD<D>;
  const Gate<V> gate = GateOf(d, z);
  const V high = HighPart(d, z);
  const auto below = Lt(high, Zero(d));
  const auto gone = Lt(high, Set(d, -ExponentialConstants<T>::kFarthest));
  const Exact<V> part = Choose(d, below, Product(gate.significand, x), AsExact(d, x));
  const V quotient = Quotient(part, gate.one_and_e);
  const V scaled = ScaledBelow(below, gone, quotient, gate.steps);
  const V endless = Set(d, std::numeric_limits<T>::infinity());
  return IfThenZeroElse(gone, IfThenElse(Eq(Abs(x), endless), x, scaled));
}

// (1 + e + t e) / (1 + e)^2 for z >= 0, e (1 + e + t) / (1 + e)^2 below.
template <class D, class Z, class T>
HWY_INLINE Vec<D> CarefulGatedSlope(D d, Z z, T t) {
  using V = Vec<D>;
  const Gate<V> gate = GateOf(d, z);
  const V high = HighPart(d, z);
  const auto below = Lt(high, Zero(d));
  const auto gone = Le(high, Set(d, -ExponentialConstants<TFromD<D>>::kFarthest));
  const Exact<V> term = Choose(d, below, AsExact(d, t), Product(gate.e, t));
  const Exact<V> sum = TwoSum(gate.one_and_e.hi, term.hi);
  const Exact<V> factor = {sum.hi, Add(sum.lo, Add(gate.one_and_e.lo, term.lo))};
  const Exact<V> part = Choose(d, below, Product(gate.significand, factor), factor);
  const V quotient = Quotient(part, Product(gate.one_and_e, gate.one_and_e));
  return ScaledBelow(below, gone, quotient, gate.steps);
}

#if HWY_NATIVE_FMA
// x / (1 + e^-z). The denominator is 1 + power, with what it loses, and power (r + rest).
template <class D, class V, class Z>
HWY_INLINE V QuicklyGated(D d, V x, Z z) {
  const Growth<V> e = GrowthOf(d, Opposite(z));
  const V one = Set(d, 1);
  const Exact<V> start = FastTwoSum(Max(e.power, one), Min(e.power, one));
  const Exact<V> part = FastTwoSum(e.r, Mul(e.square, e.rest));
  const V hi = MulAdd(e.power, part.hi, start.hi);
  const V lo = MulAdd(e.power, part.lo, MulAdd(e.power, part.hi, Sub(start.hi, hi)));
  return Quotient(AsExact(d, x), {hi, Add(lo, start.lo)});
}

// For z < 0, with e = e^-|z|: e (1 + e - |t|) / (1 + e (2 + e)); its distance from 1 for z > 0.
template <class D, class Z, class T>
HWY_INLINE Vec<D> QuickGatedSlope(D d, Z z, T t) {
  using V = Vec<D>;
  const Growth<V> e = GrowthOf(d, NegativeAbs(d, z));
  const V one = Set(d, 1);
  const V part = MulAdd(e.square, e.rest, e.r);
  const V whole = MulAdd(e.power, part, e.power);
  const V start = Add(one, HighPart(d, NegativeAbs(d, t)));
  const V factor = Add(start, whole);
  const V factor_lo = WithLow(Add(Sub(start, factor), whole), NegativeAbs(d, t));
  const V scaled = Mul(e.power, factor);
  const V hi = MulAdd(scaled, part, scaled);
  const V lo = MulAdd(whole, factor_lo, MulAdd(scaled, part, Sub(scaled, hi)));
  const V two_and_e = Add(whole, Set(d, 2));
  const V square = MulAdd(whole, two_and_e, one);
  const V square_lo = MulAdd(whole, two_and_e, Sub(one, square));
  const V slope = Quotient(Exact<V>{hi, lo}, Exact<V>{square, square_lo});
  return IfNegativeThenElse(HighPart(d, z), slope, Sub(one, slope));
}

template <class D, class V>
HWY_INLINE auto IsQuick(D d, V, V z) { return IsClose(d, z); }
template <class D, class V>
HWY_INLINE auto IsQuick(D d, V x, Exact<V> z) {
  const V large = Set(d, std::numeric_limits<TFromD<D>>::max() / 4);
  return And(IsClose(d, z.hi), Lt(Abs(x), large));
}

template <class D, class V, class Z>
HWY_INLINE V Gated(D d, V x, Z z) {
  const V result = QuicklyGated(d, x, z);
  const auto quick = IsQuick(d, x, z);
  if (HWY_LIKELY(AllTrue(d, quick))) return result;
  return IfThenElse(quick, result, CarefullyGated(d, x, z));
}

template <class D, class Z, class T>
HWY_INLINE Vec<D> GatedSlope(D d, Z z, T t) {
  const auto result = QuickGatedSlope(d, z, t);
  const auto quick = IsClose(d, HighPart(d, z));
  if (HWY_LIKELY(AllTrue(d, quick))) return result;
  return IfThenElse(quick, result, CarefulGatedSlope(d, z, t));
}
#else
template <class D, class V, class Z>
HWY_INLINE V Gated(D d, V x, Z z) { return CarefullyGated(d, x, z); }

template <class D, class Z, class T>
HWY_INLINE Vec<D> GatedSlope(D d, Z z, T t) { return CarefulGatedSlope(d, z, t); }
#endif

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
