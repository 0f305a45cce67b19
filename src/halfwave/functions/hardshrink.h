// hardshrink(x, threshold): x where |x| > threshold, NaN where x is NaN, +0 elsewhere.
struct hardshrink : piecewise_linear<hardshrink> {
  static constexpr int parameters = 1;
  static constexpr bool keeps_integers = false;

  // |x| <= threshold is false at NaN, which so comes through.
  template <class D, class V>
  static HWY_INLINE V value(D, V x, V threshold) {
    return IfThenZeroElse(Le(Abs(x), threshold), x);
  }

  // The derivative: 1 where |x| > threshold, else 0; at the kinks 0.
  template <class D, class V>
  static HWY_INLINE auto gate(D, V x, V threshold) { return Not(Le(Abs(x), threshold)); }
  template <class D, class V>
  static HWY_INLINE V open_slope(D d, V) { return Set(d, 1); }
  template <class D, class V>
  static HWY_INLINE V closed_slope(D d, V) { return Zero(d); }
};
