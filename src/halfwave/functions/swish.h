// swish(x, beta): x s(beta x), with the logistic function s.
struct swish : smooth<swish> {
  static constexpr int parameters = 1;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x, V beta) { return Gated(d, x, argument(d, x, beta)); }

  // The derivative: s(z) (1 + z s(-z)), with z = beta x.
  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x, V beta) {
    const Exact<V> z = Near(d, argument(d, x, beta));
    return IfThenElse(IsNaN(x), x, GatedSlope(d, z, z));
  }

 private:
  // 0 where either is 0, even where the other is infinite: s is 1/2 then.
  template <class D, class V>
  static HWY_INLINE Exact<V> argument(D d, V x, V beta) {
    const Exact<V> z = TwoProduct(beta, x);
    const auto is_zero = Or(Eq(beta, Zero(d)), Eq(x, Zero(d)));
    return {IfThenZeroElse(is_zero, z.hi), IfThenZeroElse(is_zero, z.lo)};
  }
};
