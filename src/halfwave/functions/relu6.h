#include "clipped_relu.h"

// relu6(x): +0 where x <= 0, 6 where x >= 6, x between; NaN where x is NaN.
struct relu6 : piecewise_linear<relu6> {
  static constexpr int parameters = 0;
  static constexpr bool keeps_integers = true;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x) { return clipped_relu::value(d, x, Set(d, 6)); }

  // The derivative: 1 where 0 < x < 6, else 0; at the kinks 0.
  template <class D, class V>
  static HWY_INLINE auto gate(D d, V x) { return clipped_relu::gate(d, x, Set(d, 6)); }
  template <class D>
  static HWY_INLINE auto open_slope(D d) { return Set(d, 1); }
  template <class D>
  static HWY_INLINE auto closed_slope(D d) { return Zero(d); }
};
