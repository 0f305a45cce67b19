// celu(x, alpha): x where not x < 0, alpha (e^(x / alpha) - 1) elsewhere; so -0 stays -0 and NaN
// stays NaN. The quotient is kept with what its rounding loses.
struct celu : smooth<celu> {
  static constexpr int parameters = 1;

  // Where the quotient is as small as a rounding, the result is x; the quotient may be subnormal.
  template <class D, class V>
  static HWY_INLINE V value(D d, V x, V alpha) {
    const Exact<V> z = quotient(d, x, alpha);
    const LargePower<V> power = Expm1(d, z);
    const Exact<V> part = Product(power.significand, alpha);
    const V below = Mul(Add(part.hi, part.lo), PowerOfTwo(d, power.rest));
    const V small = Set(d, std::numeric_limits<TFromD<D>>::epsilon() / 8);
    return IfThenElse(And(Lt(x, Zero(d)), Not(Lt(Abs(z.hi), small))), below, x);
  }

  // The derivative: 1 where x >= 0, else e^(x / alpha), which is 1 at 0 as well.
  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x, V alpha) {
    const Exact<V> one = {Set(d, 1), Zero(d)};
    const V below = TimesExponential(d, one, quotient(d, x, alpha));
    return IfThenElse(Lt(x, Zero(d)), below, IfThenElse(IsNaN(x), x, Set(d, 1)));
  }

 private:
  template <class D, class V>
  static HWY_INLINE Exact<V> quotient(D, V x, V alpha) {
    const V hi = Div(x, alpha);
    return {hi, Div(Remainder(x, hi, alpha), alpha)};
  }
};
