// The loops that put another slope where x is at a kink: they are the same for every activation.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "replace.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set

#include "hwy/highway.h"
#include "loops-inl.h"
#include "replace.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

struct Replace {
  static constexpr bool kIsQuick = true;

  template <class D, class V>
  static HWY_INLINE V Apply(D, V x, V slopes, V at, V slope) {
    return IfThenElse(Eq(x, at), slope, slopes);
  }
};

template <class Format>
constexpr Loop ReplaceOf() { return Elementwise<Format, Replace, 2, 2>::Run; }

Loop ReplaceLoop(Type type) {
  switch (type) {
    case kFloat16: return ReplaceOf<Float16>();
    case kBFloat16: return ReplaceOf<BFloat16>();
    case kFloat32: return ReplaceOf<Plain<float>>();
    case kFloat64: return ReplaceOf<Plain<double>>();
    case kLongDouble: return ReplaceOf<OneLane<long double>>();
    case kInt8: return ReplaceOf<OneLane<int8_t>>();
    case kUInt8: return ReplaceOf<OneLane<uint8_t>>();
    case kInt16: return ReplaceOf<OneLane<int16_t>>();
    case kUInt16: return ReplaceOf<OneLane<uint16_t>>();
    case kInt32: return ReplaceOf<OneLane<int32_t>>();
    case kUInt32: return ReplaceOf<OneLane<uint32_t>>();
    case kInt64: return ReplaceOf<OneLane<int64_t>>();
    case kUInt64: return ReplaceOf<OneLane<uint64_t>>();
    default: return nullptr;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace halfwave {
namespace {
HWY_EXPORT(ReplaceLoop);
}  // namespace

Loop replace_loop(Type type) { return HWY_DYNAMIC_DISPATCH(ReplaceLoop)(type); }

}  // namespace halfwave
#endif
