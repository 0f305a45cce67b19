// gelu_tanh(x): x s(z) with the logistic function s and z = 2 sqrt(2/pi) (x + 0.044715 x^3), which is
// 1/2 x (1 + tanh(z/2)). The constants are lines of tools/polynomials/gelu_tanh.py.
template <class T>
struct GeluTanhConstants;

template <>
struct GeluTanhConstants<float> {
  static constexpr float kLinearHigh = 0x1.988454p+0f;
  static constexpr float kLinearLow = -0x1.857936p-25f;
  static constexpr float kCubicHigh = 0x1.2444f2p-4f;
  static constexpr float kCubicLow = 0x1.49b16ap-29f;
};

template <>
struct GeluTanhConstants<double> {
  static constexpr double kLinearHigh = 0x1.9884533d43651p+0;
  static constexpr double kLinearLow = -0x1.cbc0d30ebfd15p-54;
  static constexpr double kCubicHigh = 0x1.2444f2a4d8b4bp-4;
  static constexpr double kCubicLow = -0x1.6c843a29d1c7p-61;
};

struct gelu_tanh : smooth<gelu_tanh> {
  static constexpr int parameters = 0;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    const V near = Bounded(d, x);
    const Exact<V> cubic = Cubic(d, near);
    return Gated(d, x, Product(PlusLinear(d, cubic), near));
  }

  // The derivative: s(z) (1 + x z' s(-z)), where x z' = linear x + 3 cubic x^3.
  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x) {
    const V near = Bounded(d, x);
    const Exact<V> cubic = Cubic(d, near);
    const Exact<V> triple = Product(cubic, Set(d, 3));
    const Exact<V> z = Product(PlusLinear(d, cubic), near);
    return GatedSlope(d, z, Product(PlusLinear(d, triple), near));
  }

 private:
  // Beyond this the gate is 0 or 1 in every format.
  template <class D, class V>
  static HWY_INLINE V Bounded(D d, V x) {
    return AtMost(Set(d, 32), AtLeast(Set(d, -32), x));
  }

  template <class D, class V>
  static HWY_INLINE Exact<V> Cubic(D d, V x) {
    using K = GeluTanhConstants<TFromD<D>>;
    return Product(Exact<V>{Set(d, K::kCubicHigh), Set(d, K::kCubicLow)}, TwoProduct(x, x));
  }

  template <class D, class V>
  static HWY_INLINE Exact<V> PlusLinear(D d, Exact<V> cubic) {
    using K = GeluTanhConstants<TFromD<D>>;
    const Exact<V> sum = TwoSum(Set(d, K::kLinearHigh), cubic.hi);
    return {sum.hi, Add(sum.lo, Add(cubic.lo, Set(d, K::kLinearLow)))};
  }
};
