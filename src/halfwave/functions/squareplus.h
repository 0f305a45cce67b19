// squareplus(x, b): (x + sqrt(x^2 + b))/2, which is relu where b is 0.
//
// With r = sqrt(x^2 + b) and t = |x| + r it is t/2 where x > 0, and b/(2t) elsewhere, where x and r
// would cancel. The derivative is b/(2 r t) on the left and 1 less that on the right. Nothing cancels
// here, and the root and the sums carry what their rounding loses, so that the result is rounded once.
struct squareplus : smooth<squareplus> {
  static constexpr int parameters = 1;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x, V b) {
    const auto left = Le(x, Zero(d));
    const Scaled<V> by = scaled(d, x, b);
    const Exact<V> t = reach(by);
    const V near = Mul(IfThenElse(left, Quotient({by.b, Zero(d)}, t), t.hi), by.half_back);
    const V far = IfThenElse(left, Mul(Div(b, Abs(x)), Set(d, 0.25)), x);
    const V bent = IfThenElse(by.is_far, far, near);
    return IfThenElse(Eq(b, Zero(d)), IfThenZeroElse(left, x), bent);
  }

  template <class D, class V>
  static HWY_INLINE V derivative(D d, V x, V b) {
    const Scaled<V> by = scaled(d, x, b);
    const Exact<V> product = Product(reach(by), by.root);
    const V near = Quotient({by.b, Zero(d)}, FastTwoSum(product.hi, product.lo));
    const V far = Div(Div(Mul(by.b, Set(d, 0.5)), by.x), by.x);
    const V below = Mul(IfThenElse(by.is_far, far, near), Set(d, 0.5));
    const V bent = IfThenZeroElse(Eq(b, Zero(d)), below);
    const V slope = IfThenElse(Le(x, Zero(d)), bent, Sub(Set(d, 1), bent));
    return IfThenElse(IsNaN(x), x, slope);
  }

 private:
  // |x| and the root of x^2 + b times c, b times c^2, and 1/(2c). c is a power of two. Where x is
  // far out, the root is |x| but for less than a rounding, and does not count.
  template <class V>
  struct Scaled {
    V x, b;
    Exact<V> root;
    V half_back;
    decltype(IsNaN(V())) is_far;
  };

  // Three scales of b are enough that nothing that counts overflows or underflows.
  template <class D, class V>
  static HWY_INLINE Scaled<V> scaled(D d, V x, V b) {
    using T = TFromD<D>;
    constexpr bool kWide = sizeof(T) == sizeof(double);
    const V low = Set(d, static_cast<T>(kWide ? 0x1p-400 : 0x1p-50));
    const V high = Set(d, static_cast<T>(kWide ? 0x1p+400 : 0x1p+50));
    const auto is_low = Lt(Abs(b), low);
    const auto is_high = Gt(Abs(b), high);
    const V c = IfThenElse(is_low, high, IfThenElse(is_high, low, Set(d, 1)));
    const V back = IfThenElse(is_low, low, IfThenElse(is_high, high, Set(d, 1)));
    const V a = Mul(Abs(x), c);
    const V scaled_b = Mul(Mul(b, c), c);
    const auto is_far = Gt(a, Set(d, static_cast<T>(kWide ? 0x1p480 : 0x1p60)));
    return {a, scaled_b, root(d, IfThenZeroElse(is_far, a), scaled_b), Mul(back, Set(d, 0.5)), is_far};
  }

  // sqrt(a^2 + b). The remainder of the root, by twice the root, makes up for its rounding.
  template <class D, class V>
  static HWY_INLINE Exact<V> root(D d, V a, V b) {
    const Exact<V> square = TwoProduct(a, a);
    const Exact<V> sum = TwoSum(square.hi, b);
    const Exact<V> radicand = FastTwoSum(sum.hi, Add(sum.lo, square.lo));
    const V hi = Sqrt(radicand.hi);
    const auto rest = Add(Remainder(radicand.hi, hi, hi), radicand.lo);
    return {hi, IfThenZeroElse(Eq(hi, Zero(d)), Div(rest, Add(hi, hi)))};
  }

  // |x| + root.
  template <class V>
  static HWY_INLINE Exact<V> reach(Scaled<V> by) {
    const Exact<V> sum = TwoSum(by.x, by.root.hi);
    return FastTwoSum(sum.hi, Add(sum.lo, by.root.lo));
  }
};
