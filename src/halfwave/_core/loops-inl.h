// Element-wise loops over any layout, written once: a function of vectors in, a loop out. Compiled
// once for each instruction set.
//
// An element's bits never depend on where it lies: whole vectors, the last few elements and strided
// data all pass through the same vector code, the latter two by way of a buffer.

#if defined(HALFWAVE_LOOPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_LOOPS_INL_H
#undef HALFWAVE_LOOPS_INL_H
#else
#define HALFWAVE_LOOPS_INL_H
#endif

#include <cstddef>
#include <cstring>
#include <utility>

#include "formats-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

// Elements that a strided loop gathers at a time: small enough for the first-level cache.
constexpr ptrdiff_t kBlock = 512;

// One span of elements after another: Step reads `in...`, whose elements differ, takes the parameters
// `p...`, which all elements share and which stay in registers, and writes `out`. `bits` goes along
// at one bit per element, for the steps that keep or use them. The last few elements are computed
// in a buffer, by the same step.
template <class Format, class Step, class Bits, size_t... I, class... V>
HWY_INLINE void Sweep(const typename Format::Stored* const* in, typename Format::Stored* out,
                      Bits bits, size_t n, std::index_sequence<I...> inputs, V... p) {
  using T = typename Format::Stored;
  const typename Format::D d;
  const size_t span = Step::Span(d);
  size_t i = 0;
  for (; i + span <= n; i += span) {
    Step::template Run<Format>(d, in, i, out + i, bits + i / 8, inputs, p...);
  }
  if (i == n) return;
  alignas(64) T buffer[sizeof...(I) + 1][64] = {};
  T* const result = buffer[sizeof...(I)];
  const size_t rest = (n - i) * sizeof(T);
  (std::memcpy(buffer[I], in[I] + i, rest), ...);
  const T* const rest_in[] = {buffer[I]...};
  Step::template Run<Format>(d, rest_in, 0, result, bits + i / 8, inputs, p...);
  std::memcpy(out + i, result, rest);
}

// The inputs are `kStreams` that differ by element, then the parameters: all of them shared by all
// elements, or each with a value per element.
template <class Format, class Step, size_t kStreams, class Bits, size_t... P>
HWY_INLINE void Compute(const typename Format::Stored* const* in, typename Format::Stored* out,
                        Bits bits, size_t n, bool shared, std::index_sequence<P...>) {
  if (shared) {
    Sweep<Format, Step>(in, out, bits, n, std::make_index_sequence<kStreams>(),
                        Format::Broadcast(in[kStreams + P])...);
  } else {
    Sweep<Format, Step>(in, out, bits, n, std::make_index_sequence<kStreams + sizeof...(P)>());
  }
}

// For functions that keep no bits.
struct NoBits {
  NoBits operator+(size_t) const { return {}; }
};

// The step of a function of vectors: one vector.
template <class Function>
struct Map {
  template <class D>
  static HWY_INLINE size_t Span(D d) { return Lanes(d); }

  template <class Format, class D, class T, size_t... I, class... V>
  static HWY_INLINE void Run(D d, const T* const* in, size_t i, T* out, NoBits,
                             std::index_sequence<I...>, V... p) {
    Format::Store(Function::Apply(d, Format::Load(in[I] + i)..., p...), out);
  }
};

// The loop of one function for operands of any layout: `kStreams` inputs that always differ by
// element, `kParameters` that usually do not (stride 0), one output.
template <class Format, class Function, int kStreams, int kParameters>
struct Elementwise {
  using T = typename Format::Stored;
  static constexpr int kInputs = kStreams + kParameters;
  static constexpr ptrdiff_t kPacked = sizeof(T);

  static void Run(char* const* data, const ptrdiff_t* strides, ptrdiff_t n) {
    const bool shared = SharedParameters(strides);
    const int loaded = shared ? kStreams : kInputs;
    const ptrdiff_t step = IsPacked(strides, loaded) ? n : kBlock;
    T buffer[kInputs + 1][kBlock];
    for (ptrdiff_t start = 0; start < n; start += step) {
      const ptrdiff_t count = HWY_MIN(step, n - start);
      const T* in[kInputs];
      for (int k = 0; k < kInputs; ++k) {
        char* const first = data[k] + start * strides[k];
        const bool in_place = strides[k] == kPacked || k >= loaded;
        in[k] = in_place ? reinterpret_cast<const T*>(first)
                         : Gather(first, strides[k], count, buffer[k]);
      }
      char* const first = data[kInputs] + start * strides[kInputs];
      const bool in_place = strides[kInputs] == kPacked;
      T* const out = in_place ? reinterpret_cast<T*>(first) : buffer[kInputs];
      Compute<Format, Map<Function>, kStreams>(in, out, NoBits(), count, shared,
                                               std::make_index_sequence<kParameters>());
      if (!in_place) Scatter(out, count, first, strides[kInputs]);
    }
  }

 private:
  static bool SharedParameters(const ptrdiff_t* strides) {
    for (int k = kStreams; k < kInputs; ++k) {
      if (strides[k] != 0) return false;
    }
    return true;
  }

  static bool IsPacked(const ptrdiff_t* strides, int loaded) {
    for (int k = 0; k < loaded; ++k) {
      if (strides[k] != kPacked) return false;
    }
    return strides[kInputs] == kPacked;
  }

  static const T* Gather(const char* from, ptrdiff_t stride, ptrdiff_t n, T* to) {
    for (ptrdiff_t i = 0; i < n; ++i) to[i] = *reinterpret_cast<const T*>(from + i * stride);
    return to;
  }

  static void Scatter(const T* from, ptrdiff_t n, char* to, ptrdiff_t stride) {
    for (ptrdiff_t i = 0; i < n; ++i) *reinterpret_cast<T*>(to + i * stride) = from[i];
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
