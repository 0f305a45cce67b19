// How elements lie in memory and what they are computed in: float and double as they are, the half
// precisions in float, everything else one lane at a time. Compiled once for each instruction set.
//
// The conversions of the half precisions are the engine's own where Highway's are not exact: its
// bfloat16 DemoteTo truncates everywhere in 1.0.3, and its float16 ones truncate and lose infinity
// and NaN below AVX2. They hold on all 65,536 inputs and on every midpoint (tests/test_halves.py).

#if defined(HALFWAVE_FORMATS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_FORMATS_INL_H
#undef HALFWAVE_FORMATS_INL_H
#else
#define HALFWAVE_FORMATS_INL_H
#endif

#include "hwy/highway.h"
#include "lane.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {
using namespace hwy::HWY_NAMESPACE;  // NOLINT: the pairs speak Highway without a prefix

// At most 64 bytes a vector, so that a stack buffer can hold one on every instruction set.
template <class T>
using WidestTag = CappedTag<T, 64 / sizeof(T)>;

template <class T>
struct Plain {
  using Stored = T;
  using D = WidestTag<T>;

  static HWY_INLINE Vec<D> Load(const T* p) { return LoadU(D(), p); }
  static HWY_INLINE Vec<D> Broadcast(const T* p) { return Set(D(), *p); }
  static HWY_INLINE void Store(Vec<D> v, T* p) { StoreU(v, D(), p); }
  static HWY_INLINE void Stream(Vec<D> v, T* p) { hwy::HWY_NAMESPACE::Stream(v, D(), p); }
};

template <class T>
struct OneLane {
  using Stored = T;
  using D = lane::Tag<T>;

  static HWY_INLINE lane::Lane<T> Load(const T* p) { return {*p}; }
  static HWY_INLINE lane::Lane<T> Broadcast(const T* p) { return {*p}; }
  static HWY_INLINE void Store(lane::Lane<T> v, T* p) { *p = v.value; }
};

// A result as it would be read again: rounded, where less is stored than was computed.
template <class V>
HWY_INLINE V AsStored(V v) { return v; }

template <class Format>
constexpr bool kIsOneLane = false;
template <class T>
constexpr bool kIsOneLane<OneLane<T>> = true;

// Half a vector of 16 bytes is stored as usual: Highway 1.0.3 would stream all 16.
template <class D>
HWY_INLINE void StreamHalves(Vec<D> v, D d, uint16_t* p) {
  if constexpr (MaxLanes(D()) * sizeof(uint16_t) < 16) {
    StoreU(v, d, p);
  } else {
    hwy::HWY_NAMESPACE::Stream(v, d, p);
  }
}

// A 16-bit format that is computed in float: `Code` turns its bits, widened to 32, into a float and
// back with one rounding to nearest, ties to even.
template <class Code>
struct HalfPrecision {
  using Stored = uint16_t;
  using D = WidestTag<float>;
  using Bits = RebindToSigned<D>;
  using Narrow = Rebind<uint16_t, D>;

  static HWY_INLINE Vec<D> Load(const uint16_t* p) {
    return Code::Decode(D(), PromoteTo(Bits(), LoadU(Narrow(), p)));
  }
  static HWY_INLINE Vec<D> Broadcast(const uint16_t* p) {
    return Code::Decode(D(), Set(Bits(), static_cast<int32_t>(*p)));
  }
  static HWY_INLINE void Store(Vec<D> v, uint16_t* p) {
    StoreU(DemoteTo(Narrow(), Code::Encode(D(), v)), Narrow(), p);
  }
  static HWY_INLINE void Stream(Vec<D> v, uint16_t* p) {
    StreamHalves(DemoteTo(Narrow(), Code::Encode(D(), v)), Narrow(), p);
  }
};

struct BFloat16Code {
  template <class D>
  static HWY_INLINE Vec<D> Decode(D d, Vec<RebindToSigned<D>> bits) {
    return BitCast(d, ShiftLeft<16>(bits));
  }

  // Adds half of the last kept bit, less one where that bit is 0: a tie goes to even, and a carry
  // out of the significand steps the exponent, up to infinity. A NaN is made quiet instead.
  template <class D>
  static HWY_INLINE Vec<RebindToSigned<D>> Encode(D, Vec<D> v) {
    const RebindToSigned<D> di;
    const RebindToUnsigned<D> du;
    const auto bits = BitCast(du, v);
    const auto odd = And(ShiftRight<16>(bits), Set(du, 1));
    const auto rounded = ShiftRight<16>(Add(Add(bits, Set(du, 0x7FFF)), odd));
    const auto quiet = Or(ShiftRight<16>(bits), Set(du, 0x40));
    const auto is_nan = RebindMask(du, IsNaN(v));
    return BitCast(di, IfThenElse(is_nan, quiet, rounded));
  }
};

struct Float16Code {
  // Shifted into place, the significand and exponent read as a float that is 2^112 too small;
  // multiplying by that is exact, for subnormal numbers too. Infinity and NaN keep all exponent bits.
  template <class D>
  static HWY_INLINE Vec<D> Decode(D d, Vec<RebindToSigned<D>> bits) {
    const RebindToSigned<D> di;
    const auto magnitude = And(bits, Set(di, 0x7FFF));
    const auto sign = ShiftLeft<16>(And(bits, Set(di, 0x8000)));
    const auto scaled = BitCast(di, Mul(BitCast(d, ShiftLeft<13>(magnitude)), Set(d, 0x1p112f)));
    const auto special = Gt(magnitude, Set(di, 0x7BFF));
    const auto value = IfThenElse(special, Or(scaled, Set(di, 0x7F800000)), scaled);
    return BitCast(d, Or(value, sign));
  }

  // Three ranges, by magnitude. Normal: rebias the exponent and round the 13 bits that go, ties to
  // even, 65520 and more carrying into infinity. Below 2^-14: adding 0.5 puts the last bit of a
  // subnormal half at the last bit of the sum, so that the addition rounds. From 2^16: infinity, NaN.
  template <class D>
  static HWY_INLINE Vec<RebindToSigned<D>> Encode(D d, Vec<D> v) {
    const RebindToSigned<D> di;
    const auto bits = BitCast(di, v);
    const auto magnitude = And(bits, Set(di, 0x7FFFFFFF));
    const auto sign = And(ShiftRight<16>(bits), Set(di, 0x8000));

    const auto odd = And(ShiftRight<13>(magnitude), Set(di, 1));
    const auto rebiased = Sub(magnitude, Set(di, (112 << 23) - 0xFFF));
    const auto normal = ShiftRight<13>(Add(rebiased, odd));
    const auto half = Set(d, 0.5f);
    const auto small = Sub(BitCast(di, Add(BitCast(d, magnitude), half)), BitCast(di, half));
    const auto is_nan = Gt(magnitude, Set(di, 0x7F800000));
    const auto special = IfThenElse(is_nan, Set(di, 0x7E00), Set(di, 0x7C00));

    const auto finite = IfThenElse(Lt(magnitude, Set(di, 113 << 23)), small, normal);
    const auto is_special = Gt(magnitude, Set(di, (143 << 23) - 1));
    return Or(IfThenElse(is_special, special, finite), sign);
  }
};

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2 && !defined(HWY_DISABLE_F16C)
// From AVX2 on the processor converts, and rounds to nearest even (F16C).
struct Float16 {
  using Stored = uint16_t;
  using D = WidestTag<float>;
  using Narrow = Rebind<hwy::float16_t, D>;

  static HWY_INLINE Vec<D> Load(const uint16_t* p) {
    return PromoteTo(D(), LoadU(Narrow(), reinterpret_cast<const hwy::float16_t*>(p)));
  }
  static HWY_INLINE Vec<D> Broadcast(const uint16_t* p) {
    const RebindToSigned<D> di;
    return Float16Code::Decode(D(), Set(di, static_cast<int32_t>(*p)));
  }
  static HWY_INLINE void Store(Vec<D> v, uint16_t* p) {
    StoreU(DemoteTo(Narrow(), v), Narrow(), reinterpret_cast<hwy::float16_t*>(p));
  }
  static HWY_INLINE void Stream(Vec<D> v, uint16_t* p) {
    const RebindToUnsigned<Narrow> bits;
    StreamHalves(BitCast(bits, DemoteTo(Narrow(), v)), bits, p);
  }
};
#else
using Float16 = HalfPrecision<Float16Code>;
#endif
using BFloat16 = HalfPrecision<BFloat16Code>;

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
