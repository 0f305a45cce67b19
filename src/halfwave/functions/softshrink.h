#include "hardshrink.h"

// softshrink(x, threshold): x brought nearer to 0 by threshold where |x| > threshold, NaN where x is
// NaN, +0 elsewhere.
struct softshrink : piecewise_linear<softshrink> {
  static constexpr int parameters = 1;
  static constexpr bool keeps_integers = false;

  // The selection comes last: where both are infinite, the difference is NaN.
  template <class D, class V>
  static HWY_INLINE V value(D d, V x, V threshold) {
    const V step = IfThenElse(Lt(x, Zero(d)), Neg(threshold), threshold);
    return IfThenZeroElse(Le(Abs(x), threshold), Sub(x, step));
  }

  // The derivative: 1 where |x| > threshold, else 0; at the kinks 0.
  template <class D, class V>
  static HWY_INLINE auto gate(D d, V x, V threshold) { return hardshrink::gate(d, x, threshold); }
  template <class D, class V>
  static HWY_INLINE V open_slope(D d, V) { return Set(d, 1); }
  template <class D, class V>
  static HWY_INLINE V closed_slope(D d, V) { return Zero(d); }
};
