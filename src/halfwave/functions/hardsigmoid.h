// hardsigmoid(x, slope, offset): slope x + offset brought between 0 and 1, NaN where that is NaN.
struct hardsigmoid : piecewise_linear<hardsigmoid> {
  static constexpr int parameters = 2;
  static constexpr bool keeps_integers = false;

  // One rounding: next to the kinks, where the sum is nearly 0, two would leave no digit right.
  template <class D, class V>
  static HWY_INLINE V value(D d, V x, V slope, V offset) {
    const V line = FusedMulAdd(slope, x, offset);
    const V raised = IfThenZeroElse(Le(line, Zero(d)), line);
    return IfThenElse(Ge(raised, Set(d, 1)), Set(d, 1), raised);
  }

  // The derivative: slope between the kinks, else 0; at the kinks 0. They are where the line meets 0
  // and 1, and the compiler takes their computation out of the loops.
  template <class D, class V>
  static HWY_INLINE auto gate(D d, V x, V slope, V offset) {
    const V at_zero = Div(Neg(offset), slope);
    const V at_one = Div(Sub(Set(d, 1), offset), slope);
    const auto rises = Le(at_zero, at_one);
    const V first = IfThenElse(rises, at_zero, at_one);
    const V last = IfThenElse(rises, at_one, at_zero);
    return Not(Or(Le(x, first), Ge(x, last)));
  }
  template <class D, class V>
  static HWY_INLINE V open_slope(D, V slope, V) { return slope; }
  template <class D, class V>
  static HWY_INLINE V closed_slope(D d, V, V) { return Zero(d); }
};
