// mish(x): x tanh(softplus(x)). With w = e^x and n = w (w + 2) it is x n/(n + 2), which takes neither
// tanh nor log, and in which nothing cancels. The derivative is
//
//     w ((w + 2) (n + 2) + 4 x (w + 1)) / (n + 2)^2
//
// whose sum is 0 near x = -1.19: both terms carry what they were rounded by. The significand of the
// first w, which is small far on the left, is multiplied by its power of two at the very end.
struct mish : smooth<mish> {
  static constexpr int parameters = 0;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    const V z = within(d, x);
    const Terms<V> by = terms(d, z);
    const V quotient = Quotient(Product(by.n, z), by.n_and_2);
    return IfThenElse(Gt(x, z), x, scaled(quotient, by.power));
  }

  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x) {
    const V z = within(d, x);
    const Terms<V> by = terms(d, z);
    const Exact<V> w_and_1 = {Sub(by.w_and_2.hi, Set(d, 1)), by.w_and_2.lo};
    const Exact<V> upper = Product(by.w_and_2, by.n_and_2);
    const Exact<V> lower = Product(w_and_1, Mul(z, Set(d, 4)));
    const Exact<V> sum = TwoSum(upper.hi, lower.hi);
    const Exact<V> factor = {sum.hi, Add(sum.lo, Add(upper.lo, lower.lo))};
    const V quotient = Quotient(Product(by.w, factor), Product(by.n_and_2, by.n_and_2));
    return scaled(quotient, by.power);
  }

 private:
  // w and n without the power of two; and w + 2 and n + 2 with it.
  template <class V>
  struct Terms {
    Exact<V> w, n, w_and_2, n_and_2;
    Steps<V> power;
  };

  // Where x is farther on the right, the value is x and the slope 1; and on the left, both are 0.
  template <class D, class V>
  static HWY_INLINE V within(D d, V x) {
    using T = TFromD<D>;
    const V most = Set(d, sizeof(T) == sizeof(double) ? T(24) : T(12));
    return AtMost(most, AtLeast(Set(d, -ExponentialConstants<T>::kFarthest), x));
  }

  template <class D, class V>
  static HWY_INLINE Terms<V> terms(D d, V z) {
    const Power<V> w = Exponential(d, z);
    const Steps<V> power = StepsToPower(d, w.exponent);
    const V counting = Counting(d, power.first);
    const Exact<V> w_and_2 = and_2(d, w.significand, counting);
    const Exact<V> n = Product(w.significand, w_and_2);
    const auto gone = Le(z, Set(d, -ExponentialConstants<TFromD<D>>::kFarthest));
    const Steps<V> left = {IfThenZeroElse(gone, power.first), power.second};
    return {w.significand, n, w_and_2, and_2(d, n, counting), left};
  }

  // v power + 2.
  template <class D, class V>
  static HWY_INLINE Exact<V> and_2(D d, Exact<V> v, V power) {
    const Exact<V> sum = TwoSum(Mul(v.hi, power), Set(d, 2));
    return {sum.hi, MulAdd(v.lo, power, sum.lo)};
  }

  template <class V>
  static HWY_INLINE V scaled(V v, Steps<V> power) { return Mul(Mul(v, power.first), power.second); }
};
