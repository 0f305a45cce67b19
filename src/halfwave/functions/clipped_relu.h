#include "hardtanh.h"

// clipped_relu(x, ceiling): +0 where x <= 0, ceiling where x >= ceiling, x between; NaN where x is NaN.
struct clipped_relu : piecewise_linear<clipped_relu> {
  static constexpr int parameters = 1;
  static constexpr bool keeps_integers = true;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x, V ceiling) {
    return hardtanh::value(d, x, Zero(d), ceiling);
  }

  // The derivative: 1 where 0 < x < ceiling, else 0; at the kinks 0.
  template <class D, class V>
  static HWY_INLINE auto gate(D d, V x, V ceiling) {
    return hardtanh::gate(d, x, Zero(d), ceiling);
  }
  template <class D, class V>
  static HWY_INLINE V open_slope(D d, V) { return Set(d, 1); }
  template <class D, class V>
  static HWY_INLINE V closed_slope(D d, V) { return Zero(d); }
};
