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

template <class Pair>
struct smooth {
  static constexpr bool keeps_bits = false;
  static constexpr bool takes_lanes = false;
  static constexpr bool keeps_integers = false;
  static constexpr bool is_long = true;  // its code; a pair of a few operations says false

  template <class D, class V, class... P>
  static HWY_INLINE V computed_value(D d, V x, P... p) { return Pair::value(d, x, p...); }

  template <class D, class V, class... P>
  static HWY_INLINE V computed_derivative(D d, V x, P... p) { return Pair::derivative(d, x, p...); }

  template <class D, class V, class... P>
  static HWY_INLINE V pullback(D d, V x, V g, P... p) {
    return through(d, x, AsStored(Pair::derivative(d, x, p...)), g);
  }

 private:
  // A slope of 0 lets nothing through, even where g is infinite or NaN; where x is NaN, g passes.
  template <class D, class V>
  static HWY_INLINE V through(D d, V x, V slope, V g) {
    const V product = IfThenZeroElse(Eq(slope, Zero(d)), Mul(slope, g));
    return IfThenElse(IsNaN(x), g, product);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
