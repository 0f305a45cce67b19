// leaky_relu(x, alpha): x where not x < 0, alpha x elsewhere; so -0 stays -0 and NaN stays NaN.
struct leaky_relu : piecewise_linear<leaky_relu> {
  static constexpr int parameters = 1;
  static constexpr bool keeps_integers = false;

  // Every alpha works: above 1, negative, 0. (max(x, alpha x) is wrong for alpha > 1.) Where alpha
  // is 0, -inf is first brought to the lowest finite number: 0 times that is a zero, not NaN.
  template <class D, class V>
  static HWY_INLINE V value(D d, V x, V alpha) {
    using Limits = std::numeric_limits<TFromD<D>>;
    const V lowest = Set(d, Limits::lowest());
    const V floor = IfThenElse(Eq(alpha, Zero(d)), lowest, Set(d, -Limits::infinity()));
    return IfThenElse(Lt(x, Zero(d)), Mul(alpha, Max(x, floor)), x);
  }

  // The derivative: 1 where x > 0, else alpha; at the kink alpha.
  template <class D, class V>
  static HWY_INLINE auto gate(D d, V x, V) { return Not(Le(x, Zero(d))); }
  template <class D, class V>
  static HWY_INLINE V open_slope(D d, V) { return Set(d, 1); }
  template <class D, class V>
  static HWY_INLINE V closed_slope(D, V alpha) { return alpha; }
};
