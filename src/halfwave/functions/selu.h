// selu(x, alpha, gamma): gamma x where not x < 0, gamma alpha (e^x - 1) elsewhere; gamma alpha is
// kept with what its rounding loses.
struct selu : smooth<selu> {
  static constexpr int parameters = 2;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x, V alpha, V gamma) {
    const Exact<V> below = Product(Expm1(d, x).significand, TwoProduct(gamma, alpha));
    return IfThenElse(Lt(x, Zero(d)), Add(below.hi, below.lo), Mul(gamma, x));
  }

  // The derivative: gamma where x > 0, else gamma alpha e^x; at the kink gamma alpha.
  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x, V alpha, V gamma) {
    const V below = TimesExponential(d, TwoProduct(gamma, alpha), AtMost(Zero(d), x));
    return IfThenElse(Gt(x, Zero(d)), gamma, below);
  }
};
