// hardtanh(x, lower, upper): x brought between lower and upper, NaN where x is NaN.
struct hardtanh : piecewise_linear<hardtanh> {
  static constexpr int parameters = 2;
  static constexpr bool keeps_integers = true;

  // Comparisons are false at NaN, which so comes through; what max and min give there depends on the
  // order of their operands. Where lower > upper, upper has the last word; a bound that is NaN makes
  // all NaN. So does np.clip.
  template <class D, class V>
  static HWY_INLINE V value(D, V x, V lower, V upper) {
    const V raised = IfThenElse(Or(Le(x, lower), IsNaN(lower)), lower, x);
    return IfThenElse(Or(Ge(raised, upper), IsNaN(upper)), upper, raised);
  }

  // The derivative: 1 where lower < x < upper, else 0; at the kinks 0.
  template <class D, class V>
  static HWY_INLINE auto gate(D, V x, V lower, V upper) {
    return Not(Or(Le(x, lower), Ge(x, upper)));
  }
  template <class D, class V>
  static HWY_INLINE V open_slope(D d, V, V) { return Set(d, 1); }
  template <class D, class V>
  static HWY_INLINE V closed_slope(D d, V, V) { return Zero(d); }
};
