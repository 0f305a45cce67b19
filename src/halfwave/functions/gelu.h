// gelu(x) = x Phi(x), with Phi(x) the part of a normal distribution below x.
//
// With t = |x| and the part above it, Q(t) = 1 - Phi(t), it is x - t Q(t) for x > 0 and -t Q(t)
// below: nothing cancels. The derivative is 1 - R(t) and R(t), where R(t) = Q(t) - t phi(t). Both
// are e^(-t^2/2) times what varies little, for which there are polynomials: the constants are lines
// of tools/polynomials/gelu.py.
template <class T>
struct GeluTail;

// In float, eight pieces, and eight powers of two for the exponential.
template <>
struct GeluTail<float> {
  // A row has a number of each piece: the centre, and the coefficients from the lowest power up.
  // Relative error: 2^-26.6.
  static constexpr float kValue[] = {
      0x0p+0f, 0x1.80098p-1f, 0x1.80053p+0f, 0x1.40074p+1f, 0x1.00012p+2f, 0x1.8000fcp+2f,
      0x1.200028p+3f, 0x1.a00382p+3f, 0x0p+0f, 0x1.cd2eaap-3f, 0x1.3c15b6p-2f, 0x1.69d07cp-2f,
      0x1.82b4e6p-2f, 0x1.8e011ap-2f, 0x1.93a65p-2f, 0x1.962438p-2f, 0x1p-1f, 0x1.5bef94p-3f,
      0x1.2039fep-4f, 0x1.bf2448p-6f, 0x1.2dd6acp-7f, 0x1.a0ebf8p-9f, 0x1.0b6d9p-10f,
      0x1.6fd328p-12f, -0x1.98844p-2f, -0x1.c2b9d8p-4f, -0x1.331874p-5f, -0x1.7886fcp-7f,
      -0x1.78f8d6p-9f, -0x1.7b5686p-11f, -0x1.54ae74p-13f, -0x1.4be1fep-15f, 0x1.fffa1cp-3f,
      0x1.d67e88p-5f, 0x1.0d58f2p-6f, 0x1.0aaf7ap-8f, 0x1.943bf4p-11f, 0x1.2ca8f4p-13f,
      0x1.7dbf96p-16f, 0x1.08bc02p-18f, -0x1.100afep-3f, -0x1.a87ecp-6f, -0x1.9e97fep-8f,
      -0x1.513274p-10f, -0x1.88af74p-13f, -0x1.b5f88ap-16f, -0x1.8b64ecp-19f, -0x1.899d82p-22f,
      0x1.f8a156p-5f, 0x1.563684p-7f, 0x1.2155f4p-9f, 0x1.87beaap-12f, 0x1.63f27ap-15f,
      0x1.2cd80ap-18f, 0x1.85d7ap-22f, 0x1.176204p-25f, -0x1.85057cp-6f, -0x1.00caa4p-8f,
      -0x1.85e28cp-11f, -0x1.b67074p-14f, -0x1.4bc0a6p-17f, -0x1.9ede4ap-21f, -0x1.9d2414p-25f,
      -0x1.91b39ap-29f, 0x1.74764ap-8f, 0x1.9f5e9ap-10f, 0x1.de9a92p-13f, 0x1.c85212p-16f,
      0x1.1478eep-19f, 0x1.08c7b4p-23f, 0x1.8600f4p-28f, 0x1.10f888p-32f};
  // Relative error: 2^-28.2.
  static constexpr float kSlope[] = {
      0x1.0003p-2f, 0x1.80ead2p-1f, 0x1.80003p+0f, 0x1.40067p+1f, 0x1.00005p+2f, 0x1.800064p+2f,
      0x1.200002p+3f, 0x1.a00032p+3f, 0x1.41d4dep-2f, -0x1.dc87p-28f, -0x1.920ebp-2f,
      -0x1.b65446p-1f, -0x1.80598ep+0f, -0x1.2a18ep+1f, -0x1.c5f9aep+1f, -0x1.49f7cep+2f,
      -0x1.6384dp-1f, -0x1.25126cp-1f, -0x1.f4f458p-2f, -0x1.c73858p-2f, -0x1.ae53dep-2f,
      -0x1.a30794p-2f, -0x1.9d6258p-2f, -0x1.9ae478p-2f, 0x1.5c54f2p-3f, 0x1.5b297ep-4f,
      0x1.204024p-5f, 0x1.bf26bap-7f, 0x1.2dd99p-8f, 0x1.a0ee5cp-10f, 0x1.0b6e6ap-11f,
      0x1.6fdc8cp-13f, -0x1.594c0ep-4f, -0x1.2bad4ep-5f, -0x1.998338p-7f, -0x1.f60bd8p-9f,
      -0x1.f6b1ccp-11f, -0x1.f9d7cap-13f, -0x1.c63502p-15f, -0x1.ba8e54p-17f, 0x1.312544p-5f,
      0x1.d5061ep-7f, 0x1.0d41f2p-8f, 0x1.0aa4f8p-10f, 0x1.93c2ap-13f, 0x1.2c5d96p-15f,
      0x1.7d233cp-18f, 0x1.086ae2p-20f, -0x1.ecdc44p-7f, -0x1.5247aep-8f, -0x1.4b0a9p-10f,
      -0x1.0de1bap-12f, -0x1.38fa18p-15f, -0x1.5b97dp-18f, -0x1.3d00b2p-21f, -0x1.3b957ep-24f,
      0x1.730158p-8f, 0x1.cb3b6p-10f, 0x1.8fd186p-12f, 0x1.0b6dcp-14f, 0x1.f9831ep-18f,
      0x1.a83fbp-21f, 0x1.18cbfep-24f, 0x1.8e1a1ap-28f, -0x1.9f7bb2p-10f, -0x1.2e2acep-11f,
      -0x1.d65f58p-14f, -0x1.f0de6p-17f, -0x1.8eb846p-20f, -0x1.1be418p-23f, -0x1.d17574p-28f,
      -0x1.b1aa54p-32f};

  // e^(-t^2/2) is 2^(-n/8) e^(-r/2), with t^2 = n step + r: 1 + kRest[0] r + kRest[1] r^2 + ...
  static constexpr float kSteps = 0x1.715476p+2f;
  static constexpr float kStepHigh = 0x1.62e43p-3f;
  static constexpr float kStepLow = -0x1.05c61p-31f;
  static constexpr float kPowers[] = {
      0x1p+64f, 0x1.d5818ep+63f, 0x1.ae89fap+63f, 0x1.8ace54p+63f, 0x1.6a09e6p+63f, 0x1.4bfdaep+63f,
      0x1.306fep+63f, 0x1.172b84p+63f};
  static constexpr float kLost[] = {
      0x0p+0f, -0x1.a5217cp-28f, -0x1.f9c304p-27f, 0x1.67a1cap-28f, 0x1.26055cp-26f,
      -0x1.0a355p-25f, 0x1.125002p-25f, -0x1.9c0c22p-27f};
  // Absolute error: 2^-32.5.
  static constexpr float kRest[] = {-0x1p-1f, 0x1p-3f, -0x1.555c78p-6f, 0x1.555adp-9f};

  static constexpr float kFarthest = 14.9f;  // from here on all is 0
  static constexpr float kUp = 0x1p64f, kDown = 0x1p-64f;

  // t Q(t), kUp times as large.
  template <class D, class V>
  static HWY_INLINE Exact<V> Value(D d, V t) { return Falling(d, t, Piece(d, t, kValue)); }

  // R(t), kUp times as large.
  template <class D, class V>
  static HWY_INLINE Exact<V> Slope(D d, V t) { return Falling(d, t, Piece(d, t, kSlope)); }

 private:
  static constexpr size_t kPieces = 8;
  static constexpr size_t kCoefficients = 8;

  // A piece is half of what lies between two powers of two, for 2 (t + 1): the last bit of the
  // exponent and the first of the significand after it.
  template <class D, class V>
  static HWY_INLINE Exact<V> Piece(D d, V t, const float* rows) {
    const RebindToSigned<D> whole;
    const V two = Set(d, 2);
    const auto index = And(ShiftRight<22>(BitCast(whole, MulAdd(t, two, two))), Set(whole, 7));
    const V h = Sub(t, Number(d, rows, index));
    const auto coefficient = [&](size_t power) HWY_ATTR {
      return Number(d, rows + kPieces * (1 + power), index);
    };
    V rest = coefficient(kCoefficients - 1);
    for (size_t i = kCoefficients - 1; i-- > 2;) rest = MulAdd(rest, h, coefficient(i));
    // Where the piece begins at a zero, the last coefficient but one is as large as the function.
    const V second = coefficient(1);
    const V slope = MulAdd(rest, h, second);
    const V slope_low = MulAdd(rest, h, Sub(second, slope));
    const V first = coefficient(0);
    const V hi = MulAdd(slope, h, first);
    return {hi, MulAdd(slope_low, h, MulAdd(slope, h, Sub(first, hi)))};
  }

  // part e^(-t^2/2). What the rounding of t^2 loses counts as much as a relative error of the
  // result; e^(-r/2) - 1 is so small that its own rounding does not.
  template <class D, class V>
  static HWY_INLINE Exact<V> Falling(D d, V t, Exact<V> part) {
    const RebindToSigned<D> whole;
    const V round = Set(d, 0x1.8p23f);
    const Exact<V> square = TwoProduct(t, t);
    const V sum = MulAdd(square.hi, Set(d, kSteps), round);
    const V n = Sub(sum, round);
    const V r = Add(NegMulAdd(n, Set(d, kStepHigh), square.hi),
                    NegMulAdd(n, Set(d, kStepLow), square.lo));

    // The last bits of the sum are those of n: three for the table, the others for the exponent.
    const auto bits = BitCast(whole, sum);
    const auto index = And(bits, Set(whole, 7));
    const auto exponent = ShiftLeft<20>(Sub(bits, index));
    const V power = BitCast(d, Sub(BitCast(whole, Number(d, kPowers, index)), exponent));

    V rest = Set(d, kRest[3]);
    for (size_t i = 3; i-- > 0;) rest = MulAdd(rest, r, Set(d, kRest[i]));
    rest = MulAdd(rest, r, Number(d, kLost, index));
    const Exact<V> product = Product(part, power);
    return {product.hi, MulAdd(product.hi, rest, product.lo)};
  }

  // One of a row's numbers for each lane, from a register where it has room for the row.
  template <class D, class I>
  static HWY_INLINE Vec<D> Number(D d, const float* row, I index) {
    if constexpr (MaxLanes(D()) >= kPieces) {
      return TableLookupLanes(Row(d, row), IndicesFromVec(d, index));
    } else {
      return GatherIndex(d, row, index);
    }
  }

  template <class D>
  static HWY_INLINE Vec<D> Row(D d, const float* row) {
    if constexpr (MaxLanes(D()) == kPieces) {
      return LoadU(d, row);
    } else {
      const auto half = Row(Half<D>(), row);
      return Combine(d, half, half);
    }
  }
};

// In double, one polynomial P in w = (t - a) / (t + a): Q(t) e^(t^2/2) is P(w) / (t + a).
template <>
struct GeluTail<double> {
  // Relative error: 2^-58.9.
  static constexpr double kTail[] = {
      0x1.82b4bb8c94dcep-1, -0x1.373e3a893c28ap-1, 0x1.8c6dbf2cfc2b4p-2, -0x1.7dff2bff683dp-3,
      0x1.eec4cc3e4d3e3p-5, -0x1.ee2761047142bp-8, -0x1.c81719d5761bep-9, 0x1.ab825fbdcf987p-10,
      0x1.17a4ae57e3ec8p-13, -0x1.e4a424a3e9903p-13, -0x1.001e9a8506bb3p-19, 0x1.26d08a11b4e61p-15,
      0x1.80b6deae4a499p-21, -0x1.8d499b8c50d27p-18, -0x1.51f297b4b19ep-21, 0x1.122a1090d755dp-20,
      0x1.236c48e599996p-22, -0x1.4c5fb5348f5b9p-23, -0x1.6ce7d70ea4139p-24, 0x1.c6796ff46dd7ep-27,
      0x1.4c1e9b51183c2p-26, 0x1.01a64dabc6608p-29, -0x1.4f9ab1e0c7523p-29, -0x1.7f8d496823a97p-31};
  static constexpr double kTailLow = -0x1.ac47bb935233p-56;
  static constexpr double kDensityHigh = 0x1.9884533d43651p-2;
  static constexpr double kDensityLow = -0x1.cbc0d30ebfd15p-56;

  static constexpr double kShift = 4.0;  // a
  static constexpr double kFarthest = 39.5;
  static constexpr double kUp = 0x1p512, kDown = 0x1p-512;

  template <class D, class V>
  static HWY_INLINE Exact<V> Value(D d, V t) { return Falling(d, t, Product(Scaled(d, t), t)); }

  // Both terms are exact enough for their difference to keep its digits.
  template <class D, class V>
  static HWY_INLINE Exact<V> Slope(D d, V t) {
    const Exact<V> scaled = Scaled(d, t);
    const Exact<V> density = Product(Exact<V>{Set(d, kDensityHigh), Set(d, kDensityLow)}, t);
    const Exact<V> rest = TwoSum(scaled.hi, Neg(density.hi));
    return Falling(d, t, Exact<V>{rest.hi, Add(rest.lo, Sub(scaled.lo, density.lo))});
  }

 private:
  // Q(t) e^(t^2/2). Where t is small, the last coefficient but one is as large as the polynomial.
  template <class D, class V>
  static HWY_INLINE Exact<V> Scaled(D d, V t) {
    const V one = Set(d, 1);
    const V shift = Set(d, kShift);
    const V sum = Add(t, shift);
    const V sum_low = Sub(t, Sub(sum, shift));
    const V inverse = Div(one, sum);
    const V inverse_low = Mul(inverse, NegMulAdd(inverse, sum_low, Remainder(one, inverse, sum)));

    const V twice = Set(d, -2 * kShift);
    const V w = MulAdd(twice, inverse, one);
    const V w_low = MulAdd(twice, inverse_low, MulAdd(twice, inverse, Sub(one, w)));

    constexpr size_t kTerms = sizeof(kTail) / sizeof(kTail[0]);
    V rest = Set(d, kTail[kTerms - 1]);
    for (size_t i = kTerms - 1; i-- > 2;) rest = MulAdd(rest, w, Set(d, kTail[i]));
    const V first = Set(d, kTail[0]), second = Set(d, kTail[1]);
    const V slope = MulAdd(rest, w, second);
    const V slope_low = MulAdd(rest, w, Sub(second, slope));
    const V hi = MulAdd(slope, w, first);
    const V lo = MulAdd(slope_low, w, MulAdd(slope, w, Sub(first, hi)));
    const V lost = MulAdd(MulAdd(rest, w, slope), w_low, Set(d, kTailLow));
    return Product(Exact<V>{hi, Add(lo, lost)}, Exact<V>{inverse, inverse_low});
  }

  template <class D, class V>
  static HWY_INLINE Exact<V> Falling(D d, V t, Exact<V> part) {
    const Power<V> power = Exponential(d, TwoProduct(Mul(t, Set(d, -0.5)), t));
    const Exact<V> product = Product(part, power.significand);
    const V up = PowerOfTwo(d, Add(power.exponent, Set(d, 512)));
    return {Mul(product.hi, up), Mul(product.lo, up)};
  }
};

struct gelu : smooth<gelu> {
  static constexpr int parameters = 0;

  // Where x is -0, so is the base.
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    using Tail = GeluTail<TFromD<D>>;
    const V base = IfNegativeThenElse(x, Set(d, -0.0), Mul(x, Set(d, Tail::kUp)));
    const V less = Less(d, base, Tail::Value(d, Size(d, x)));
    return IfThenElse(Gt(x, Set(d, kAlmostAll)), x, less);
  }

  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x) {
    using Tail = GeluTail<TFromD<D>>;
    const auto negative = Lt(x, Zero(d));  // IfNegativeThenElse does not take -0 for one everywhere
    const V sign = IfThenElseZero(negative, SignBit(d));
    const V base = IfThenElse(negative, Zero(d), Set(d, Tail::kUp));
    const Exact<V> slope = Tail::Slope(d, Size(d, x));
    const V less = Less(d, base, Exact<V>{Xor(slope.hi, sign), Xor(slope.lo, sign)});
    return IfThenElse(Gt(x, Set(d, kAlmostAll)), Set(d, 1), less);
  }

 private:
  // Above this t Q(t) is less than half an ulp of x, and R(t) less than half an ulp of 1.
  static constexpr int kAlmostAll = 9;

  // |x|, up to where nothing more happens.
  template <class D, class V>
  static HWY_INLINE V Size(D d, V x) {
    return AtMost(Set(d, GeluTail<TFromD<D>>::kFarthest), Abs(x));
  }

  // base - part, where base is larger or 0. Both are kUp times as large as the result, so that no
  // part is subnormal before the end, which rounds once.
  template <class D, class V>
  static HWY_INLINE V Less(D d, V base, Exact<V> part) {
    const V left = Sub(base, part.hi);
    const V lost = Sub(part.hi, Sub(base, left));
    return Mul(Sub(left, Add(part.lo, lost)), Set(d, GeluTail<TFromD<D>>::kDown));
  }
};
