// thresholded_relu(x, theta): x where x > theta, NaN where x is NaN, +0 elsewhere.
struct thresholded_relu : piecewise_linear<thresholded_relu> {
  static constexpr int parameters = 1;
  static constexpr bool keeps_integers = false;

  // x <= theta is false at NaN, which so comes through.
  template <class D, class V>
  static HWY_INLINE V value(D, V x, V theta) { return IfThenZeroElse(Le(x, theta), x); }

  // The derivative: 1 where x > theta, else 0; at the kink 0.
  template <class D, class V>
  static HWY_INLINE auto gate(D, V x, V theta) { return Not(Le(x, theta)); }
  template <class D, class V>
  static HWY_INLINE V open_slope(D d, V) { return Set(d, 1); }
  template <class D, class V>
  static HWY_INLINE V closed_slope(D d, V) { return Zero(d); }
};
