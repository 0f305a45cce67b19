// softplus(x, beta): log(1 + e^(beta x))/beta. The derivative is the logistic function of beta x.
//
// A negative beta turns both signs: softplus(x, -beta) = -softplus(-x, beta). The product beta x
// carries what its rounding loses, which is a relative error of the tail; and the power of two of the
// tail comes in after the division: where e^(beta x) is below all numbers, a small beta may bring it
// back.
struct softplus : smooth<softplus> {
  static constexpr int parameters = 1;

  // With beta 1, which it nearly always is, all that is for another beta does nothing.
  template <class D, class V>
  static HWY_INLINE V value(D d, V x, V beta) {
    if (AllTrue(d, Eq(beta, Set(d, 1)))) return RoundedLog1pExp(d, x);
    using T = TFromD<D>;
    const V sign = And(beta, SignBit(d));
    const V turned = Xor(x, sign);
    const V steep = steepness(d, beta);
    const Exact<V> z = argument(d, turned, steep);
    const Power<V> log = Log1pExp(d, z);
    const Inverse<V> by = inverse(d, steep);
    const Exact<V> significand = FastTwoSum(log.significand.hi, log.significand.lo);
    const Exact<V> quotient = Product(significand, by.significand);
    const V rounded = Add(quotient.hi, quotient.lo);
    const V least = Set(d, 2 * ExponentialConstants<T>::kLeast);  // makes 0 of every logarithm
    const V exponent = AtLeast(least, Add(log.exponent, by.exponent));
    const V scaled = ScaledByPower(d, rounded, exponent);
    const V right = IfThenElse(Gt(z.hi, Set(d, LogarithmConstants<T>::kMost)), turned, scaled);
    const auto is_far_left = Lt(z.hi, Set(d, -ExponentialConstants<T>::kFarthest));
    return Xor(IfThenZeroElse(is_far_left, right), sign);
  }

  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x, V beta) {
    if (AllTrue(d, Eq(beta, Set(d, 1)))) return FallingLogistic(d, Neg(x));
    const V turned = Xor(x, And(beta, SignBit(d)));
    return FallingLogistic(d, argument(d, Neg(turned), steepness(d, beta)));
  }

 private:
  // |beta|, but neither 0 nor infinite: these stand for what it is next to them.
  template <class D, class V>
  static HWY_INLINE V steepness(D d, V beta) {
    using Limits = std::numeric_limits<TFromD<D>>;
    const V least = Set(d, Limits::denorm_min());
    return AtMost(Set(d, Limits::max()), AtLeast(least, Abs(beta)));
  }

  // x beta, without a low part where it is so far out that only the high part counts.
  template <class D, class V>
  static HWY_INLINE Exact<V> argument(D d, V x, V beta) {
    const Exact<V> z = TwoProduct(x, beta);
    const auto counts = Le(Abs(z.hi), Set(d, ExponentialConstants<TFromD<D>>::kFarthest));
    return {z.hi, IfThenElseZero(counts, z.lo)};
  }

  // 1/beta as a significand times a power of two, which is 1 but where beta is so small or so large that
  // the inverse might not be a normal number.
  template <class V>
  struct Inverse {
    Exact<V> significand;
    V exponent;
  };

  template <class D, class V>
  static HWY_INLINE Inverse<V> inverse(D d, V beta) {
    using T = TFromD<D>;
    constexpr T kExponent = sizeof(T) == sizeof(double) ? 512 : 64;
    const V step = Set(d, kExponent);
    const V small = IfThenElseZero(Lt(beta, PowerOfTwo(d, Neg(step))), step);
    const V exponent = IfThenElse(Gt(beta, PowerOfTwo(d, step)), Neg(step), small);
    const V scaled = Mul(beta, PowerOfTwo(d, exponent));
    const V hi = Div(Set(d, 1), scaled);
    return {{hi, Mul(Remainder(Set(d, 1), hi, scaled), hi)}, exponent};
  }
};
