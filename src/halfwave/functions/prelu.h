#include "leaky_relu.h"

// prelu(x, alpha): Leaky ReLU, of whose alpha the gradient is wanted, too.
struct prelu : piecewise_linear<prelu> {
  static constexpr int parameters = 1;
  static constexpr bool keeps_integers = false;

  template <class D, class V>
  static HWY_INLINE V value(D d, V x, V alpha) { return leaky_relu::value(d, x, alpha); }

  // The derivative: 1 where x > 0, else alpha; at the kink alpha.
  template <class D, class V>
  static HWY_INLINE auto gate(D d, V x, V alpha) { return leaky_relu::gate(d, x, alpha); }
  template <class D, class V>
  static HWY_INLINE V open_slope(D d, V) { return Set(d, 1); }
  template <class D, class V>
  static HWY_INLINE V closed_slope(D, V alpha) { return alpha; }
};
