// What a piecewise-linear function keeps for its pullback: one bit per element, whether the gate was
// open. Packing the bits while the value is computed, and applying them to a gradient, written once.
// Compiled once for each instruction set.

#if defined(HALFWAVE_RESIDUAL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_RESIDUAL_INL_H
#undef HALFWAVE_RESIDUAL_INL_H
#else
#define HALFWAVE_RESIDUAL_INL_H
#endif

#include <cstddef>
#include <cstring>
#include <utility>

#include "loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

// The base of a pair that is piecewise linear with two slopes. The pair says where its gate is open
// and the slope on either side; NaN opens the gate, so that a gradient passes there.
template <class Pair>
struct piecewise_linear {
  static constexpr bool keeps_bits = true;
  static constexpr bool takes_lanes = true;
  static constexpr bool is_long = false;

  template <class D, class V, class... P>
  static HWY_INLINE V computed_value(D d, V x, P... p) { return Pair::value(d, x, p...); }

  template <class D, class V, class... P>
  static HWY_INLINE V computed_derivative(D d, V x, P... p) {
    const V slope =
        IfThenElse(Pair::gate(d, x, p...), Pair::open_slope(d, p...), Pair::closed_slope(d, p...));
    return IfThenElse(IsNaN(x), x, slope);
  }

  template <class D, class V, class... P>
  static HWY_INLINE V pullback(D d, V x, V g, P... p) {
    return pull(d, Pair::gate(d, x, p...), g, p...);
  }

  template <class D, class M, class V, class... P>
  static HWY_INLINE V pull(D d, M gate, V g, P... p) {
    return IfThenElse(gate, scale(d, Pair::open_slope(d, p...), g),
                      scale(d, Pair::closed_slope(d, p...), g));
  }

 private:
  // A slope of 0 lets nothing through: 0 even where g is infinite or NaN.
  template <class D, class V>
  static HWY_INLINE V scale(D d, V slope, V g) {
    return IfThenZeroElse(Eq(slope, Zero(d)), Mul(slope, g));
  }
};

// The steps that keep gate bits and use them: whole bytes of bits, so as many vectors as fill one.
struct GateStep {
  static constexpr bool kIsQuick = true;

  template <class D>
  static HWY_INLINE size_t Span(D d) { return HWY_MAX(Lanes(d), size_t{8}); }

  // None: the first element of a vector is the first of a byte.
  template <class T>
  static HWY_INLINE size_t Head(const T*, size_t, size_t) { return 0; }
};

// (x, p...) -> value, and one bit for each element.
template <class Pair>
struct RecordStep : GateStep {
  template <class Format, class D, class T, size_t... I, class... V>
  static HWY_INLINE void Run(D d, const T* const* in, size_t i, T* out, uint8_t* bits,
                             bool stream, std::index_sequence<I...>, V... p) {
    for (size_t lane = 0; lane < GateStep::Span(d); lane += Lanes(d)) {
      Keep(d, Pair::gate(d, Format::Load(in[I] + i + lane)..., p...), lane, bits);
      Write<Format>(Pair::value(d, Format::Load(in[I] + i + lane)..., p...), out + lane, stream);
    }
  }

 private:
  template <class D, class M>
  static HWY_INLINE void Keep(D d, M gate, size_t lane, uint8_t* bits) {
    if (Lanes(d) >= 8) {
      StoreMaskBits(d, gate, bits);
      return;
    }
    uint8_t few[8];
    StoreMaskBits(d, gate, few);
    const unsigned part = few[0] & ((1u << Lanes(d)) - 1u);
    *bits = static_cast<uint8_t>((lane ? *bits : 0u) | (part << lane));
  }
};

// (g, p...) and the bits -> g f'(x).
template <class Pair>
struct ApplyStep : GateStep {
  template <class Format, class D, class T, size_t... I, class... V>
  static HWY_INLINE void Run(D d, const T* const* in, size_t i, T* out, const uint8_t* bits,
                             bool stream, std::index_sequence<I...>, V... p) {
    for (size_t lane = 0; lane < GateStep::Span(d); lane += Lanes(d)) {
      const auto gate = Gate(d, lane, bits);
      Write<Format>(Pair::pull(d, gate, Format::Load(in[I] + i + lane)..., p...), out + lane, stream);
    }
  }

 private:
  template <class D>
  static HWY_INLINE auto Gate(D d, size_t lane, const uint8_t* bits) {
    if (Lanes(d) >= 8) return LoadMaskBits(d, bits);
    const uint8_t few[8] = {static_cast<uint8_t>(*bits >> lane)};
    return LoadMaskBits(d, few);
  }
};

// Contiguous loops. data: x, parameters..., value, bits. The parameters are contiguous or shared.
template <class Format, class Pair>
void Record(char* const* data, const ptrdiff_t* strides, ptrdiff_t n, bool stream) {
  using T = typename Format::Stored;
  constexpr size_t kInputs = 1 + Pair::parameters;
  const T* in[kInputs];
  for (size_t k = 0; k < kInputs; ++k) in[k] = reinterpret_cast<const T*>(data[k]);
  Compute<Format, RecordStep<Pair>, 1>(
      in, reinterpret_cast<T*>(data[kInputs]), reinterpret_cast<uint8_t*>(data[kInputs + 1]), n, stream,
      kInputs == 1 || strides[1] == 0, std::make_index_sequence<Pair::parameters>());
}

// data: bits, g, parameters..., result.
template <class Format, class Pair>
void Apply(char* const* data, const ptrdiff_t* strides, ptrdiff_t n, bool stream) {
  using T = typename Format::Stored;
  constexpr size_t kInputs = 1 + Pair::parameters;
  const T* in[kInputs];
  for (size_t k = 0; k < kInputs; ++k) in[k] = reinterpret_cast<const T*>(data[k + 1]);
  Compute<Format, ApplyStep<Pair>, 1>(
      in, reinterpret_cast<T*>(data[kInputs + 1]), reinterpret_cast<const uint8_t*>(data[0]), n, stream,
      kInputs == 1 || strides[2] == 0, std::make_index_sequence<Pair::parameters>());
}

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
