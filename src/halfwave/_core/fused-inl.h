// A product and a sum with one rounding, on every instruction set. Compiled once for each of them.

#if defined(HALFWAVE_FUSED_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_FUSED_INL_H
#undef HALFWAVE_FUSED_INL_H
#else
#define HALFWAVE_FUSED_INL_H
#endif

#include <cmath>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {
using namespace hwy::HWY_NAMESPACE;  // NOLINT: the pairs speak Highway without a prefix

#if HWY_NATIVE_FMA
template <class V>
HWY_INLINE V FusedMulAdd(V a, V b, V c) { return MulAdd(a, b, c); }
#else
// Without such an instruction the C library knows how, one number at a time.
template <class V>
HWY_INLINE V FusedMulAdd(V a, V b, V c) {
  const DFromV<V> d;
  using T = TFromD<decltype(d)>;
  alignas(16) T product[MaxLanes(d)], factor[MaxLanes(d)], term[MaxLanes(d)];
  Store(a, d, product);
  Store(b, d, factor);
  Store(c, d, term);
  for (size_t i = 0; i < Lanes(d); ++i) product[i] = std::fma(product[i], factor[i], term[i]);
  return Load(d, product);
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
