// hardswish(x): x (x + 3) / 6 where -3 < x < 3, x above, +0 below, NaN where x is NaN.
struct hardswish : smooth<hardswish> {
  static constexpr int parameters = 0;
  static constexpr bool is_long = false;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    const Exact<V> product = Product(sixth(d, FastTwoSum(Set(d, 3), x)), x);
    return pieces(d, x, Add(product.hi, product.lo), x);
  }

  // 0 at -3 and 1 at 3, the kinks.
  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x) {
    const Exact<V> slope = sixth(d, TwoSum(Add(x, x), Set(d, 3)));
    return pieces(d, x, Add(slope.hi, slope.lo), Set(d, 1));
  }

 private:
  // A sixth of a sum with what the sum and a product with 1/6 lose, so that the last step alone rounds.
  template <class D, class V>
  static HWY_INLINE Exact<V> sixth(D d, Exact<V> sum) {
    const V six = Set(d, 6), inverse = Div(Set(d, 1), six);
    const V quotient = Mul(sum.hi, inverse);
    const auto rest = Add(Remainder(sum.hi, quotient, six), sum.lo);
    return {quotient, Mul(rest, inverse)};
  }

  // Comparisons are false at NaN, which so comes through the middle.
  template <class D, class V>
  static HWY_INLINE V pieces(D d, V x, V middle, V above) {
    const V left = IfThenZeroElse(Le(x, Set(d, -3)), middle);
    return IfThenElse(Ge(x, Set(d, 3)), above, left);
  }
};
