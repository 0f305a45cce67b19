// relu(x): x where x > 0, NaN where x is NaN, +0 elsewhere.
struct relu : piecewise_linear<relu> {
  static constexpr int parameters = 0;
  static constexpr bool keeps_integers = true;

  // x <= 0 is false at NaN: one comparison clears the negative side, makes -0 a +0 and lets NaN
  // through. What max(x, 0) gives at NaN depends on the order of its operands.
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) { return IfThenZeroElse(Le(x, Zero(d)), x); }

  // The derivative: 1 where x > 0, else 0; at the kink 0.
  template <class D, class V>
  static HWY_INLINE auto gate(D d, V x) { return Not(Le(x, Zero(d))); }
  template <class D>
  static HWY_INLINE auto open_slope(D d) { return Set(d, 1); }
  template <class D>
  static HWY_INLINE auto closed_slope(D d) { return Zero(d); }
};
