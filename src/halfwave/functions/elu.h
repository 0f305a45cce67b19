// elu(x, alpha): x where not x < 0, alpha (e^x - 1) elsewhere; so -0 stays -0 and NaN stays NaN.
struct elu : smooth<elu> {
  static constexpr int parameters = 1;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x, V alpha) {
    const Exact<V> below = Product(Expm1(d, x).significand, alpha);
    return IfThenElse(Lt(x, Zero(d)), Add(below.hi, below.lo), x);
  }

  // The derivative: 1 where x > 0, else alpha e^x; at the kink alpha.
  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x, V alpha) {
    const V below = TimesExponential(d, Exact<V>{alpha, Zero(d)}, AtMost(Zero(d), x));
    return IfThenElse(Gt(x, Zero(d)), Set(d, 1), below);
  }
};
