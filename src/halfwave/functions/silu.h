// silu(x): x s(x), with the logistic function s.
struct silu : smooth<silu> {
  static constexpr int parameters = 0;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x) { return Gated(d, x, x); }

  // The derivative: s(x) (1 + x s(-x)).
  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x) {
    const V z = Near(d, x);
    return GatedSlope(d, z, z);
  }
};
