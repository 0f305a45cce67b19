// log_sigmoid(x): -log(1 + e^-x), which is -softplus(-x), and its slope the logistic function of -x.
struct log_sigmoid : smooth<log_sigmoid> {
  static constexpr int parameters = 0;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x) { return Neg(RoundedLog1pExp(d, Neg(x))); }

  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x) { return FallingLogistic(d, x); }
};
