// The base of a pair that is no line: it says what the value and the derivative are, and the pullback
// follows. Compiled once for each instruction set.

#if defined(HALFWAVE_SMOOTH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_SMOOTH_INL_H
#undef HALFWAVE_SMOOTH_INL_H
#else
#define HALFWAVE_SMOOTH_INL_H
#endif

#include "formats-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

// A function of floats, computed in doubles and rounded.
template <class Function>
struct InDouble {
#if HWY_TARGET == HWY_SCALAR
  // Not DemoteTo, which takes infinity for the largest float here.
  template <class D, class... V>
  static HWY_INLINE Vec<D> Apply(D d, V... v) {
    const Rebind<double, D> wide;
    return Set(d, static_cast<float>(GetLane(Function::Apply(wide, PromoteTo(wide, v)...))));
  }
#else
  template <class D, class... V>
  static HWY_INLINE Vec<D> Apply(D d, V... v) {
    const Half<D> half;
    const Rebind<double, Half<D>> wide;
    const auto low = Function::Apply(wide, PromoteTo(wide, LowerHalf(half, v))...);
    const auto high = Function::Apply(wide, PromoteTo(wide, UpperHalf(half, v))...);
    return Combine(d, DemoteTo(half, high), DemoteTo(half, low));
  }
#endif
};

// A smooth function's floats are computed in floats only where a product and a sum round once: the
// error terms that make up for the other roundings come from that.
template <class Function, class D, class... V>
HWY_INLINE Vec<D> Smoothly(D d, V... v) {
  if constexpr (HWY_NATIVE_FMA || sizeof(TFromD<D>) == sizeof(double)) {
    return Function::Apply(d, v...);
  } else {
    return InDouble<Function>::Apply(d, v...);
  }
}

template <class Pair>
struct smooth {
  static constexpr bool keeps_bits = false;
  static constexpr bool takes_lanes = false;
  static constexpr bool keeps_integers = false;

  struct Value {
    template <class D, class V, class... P>
    static HWY_INLINE V Apply(D d, V x, P... p) { return Pair::value(d, x, p...); }
  };
  struct Derivative {
    template <class D, class V, class... P>
    static HWY_INLINE V Apply(D d, V x, P... p) { return Pair::derivative(d, x, p...); }
  };

  template <class D, class V, class... P>
  static HWY_INLINE V computed_value(D d, V x, P... p) { return Smoothly<Value>(d, x, p...); }

  template <class D, class V, class... P>
  static HWY_INLINE V computed_derivative(D d, V x, P... p) {
    return Smoothly<Derivative>(d, x, p...);
  }

  // A slope of 0 lets nothing through, even where g is infinite or NaN; where x is NaN, g passes.
  template <class D, class V, class... P>
  static HWY_INLINE V pullback(D d, V x, V g, P... p) {
    const V slope = computed_derivative(d, x, p...);
    const V product = IfThenZeroElse(Eq(slope, Zero(d)), Mul(slope, g));
    return IfThenElse(IsNaN(x), g, product);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
