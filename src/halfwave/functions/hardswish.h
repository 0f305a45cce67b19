// hardswish(x): x (x + 3) / 6 where -3 < x < 3, x above, +0 below, NaN where x is NaN.
struct hardswish : smooth<hardswish> {
  static constexpr int parameters = 0;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    const Exact<V> product = Product(line(d, x), x);
    return pieces(d, x, Add(product.hi, product.lo), x);
  }

  // 0 at -3 and 1 at 3, the kinks.
  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x) {
    const Exact<V> slope = line(d, Add(x, x));
    return pieces(d, x, Add(slope.hi, slope.lo), Set(d, 1));
  }

 private:
  // (a + 3) / 6 with what its two roundings lose, so that the last step alone rounds. Where the sum is
  // nearly 0, it is exact.
  template <class D, class V>
  static HWY_INLINE Exact<V> line(D d, V a) {
    const V six = Set(d, 6);
    const Exact<V> sum = TwoSum(a, Set(d, 3));
    const V quotient = Div(sum.hi, six);
    const V rest = Add(Remainder(sum.hi, quotient, six), sum.lo);
    return {quotient, Div(rest, six)};
  }

  // Comparisons are false at NaN, which so comes through the middle.
  template <class D, class V>
  static HWY_INLINE V pieces(D d, V x, V middle, V above) {
    const V left = IfThenZeroElse(Le(x, Set(d, -3)), middle);
    return IfThenElse(Ge(x, Set(d, 3)), above, left);
  }
};
