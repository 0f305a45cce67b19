// relu_squared(x): x x where x > 0, NaN where x is NaN, +0 elsewhere.
struct relu_squared : smooth<relu_squared> {
  static constexpr int parameters = 0;
  static constexpr bool is_long = false;

  // x <= 0 is false at NaN, which so comes through.
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) { return IfThenZeroElse(Le(x, Zero(d)), Mul(x, x)); }

  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x) { return IfThenZeroElse(Le(x, Zero(d)), Add(x, x)); }
};
