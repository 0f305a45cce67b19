// quick_gelu(x): x s(1.702 x), with the logistic function s.
struct quick_gelu : smooth<quick_gelu> {
  static constexpr int parameters = 0;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x) { return Gated(d, x, argument(d, x)); }

  // The derivative: s(z) (1 + z s(-z)), with z = 1.702 x.
  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x) {
    const Exact<V> z = Near(d, argument(d, x));
    return GatedSlope(d, z, z);
  }

 private:
  // What 1.702 loses when it is rounded would be an error of z, and so of the tail.
  template <class D, class V>
  static HWY_INLINE Exact<V> argument(D d, V x) {
    using T = TFromD<D>;
    constexpr T high = static_cast<T>(1.702);
    constexpr double lost = 0x1.89374bc6a7efap-55;  // of 1.702 as a double
    constexpr T low = static_cast<T>((1.702 - static_cast<double>(high)) + lost);
    return Product(Exact<V>{Set(d, high), Set(d, low)}, x);
  }
};
