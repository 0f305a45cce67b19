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

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "formats-inl.h"
#include "hwy/cache_control.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

// Elements that a strided loop gathers at a time: small enough for the first-level cache.
constexpr ptrdiff_t kBlock = 512;

// How many elements lie before the first whose address is a multiple of `span` elements.
template <class T>
HWY_INLINE size_t BeforeAligned(const T* p, size_t span) {
  return (0 - reinterpret_cast<uintptr_t>(p)) % (span * sizeof(T)) / sizeof(T);
}

// One lane is never written past the cache, nor is what takes long to compute.
template <class Format, class V, class T>
HWY_INLINE void Write(V v, T* out, bool stream) {
  if constexpr (!kIsOneLane<Format>) {
    if (stream) return Format::Stream(v, out);
  }
  Format::Store(v, out);
}

// Fewer elements than a span, from `i` on: computed in a buffer. Called, and not inlined at both ends
// of each loop, since a kernel may be long.
template <class Format, class Step, class Bits, size_t... I, class... V>
HWY_NOINLINE void Few(const typename Format::Stored* const* in, typename Format::Stored* out, Bits bits,
                    size_t i, size_t n, std::index_sequence<I...> inputs, V... p) {
  using T = typename Format::Stored;
  constexpr size_t kSpan = HWY_MAX(size_t{8}, 64 / sizeof(T));
  alignas(64) T buffer[sizeof...(I) + 1][kSpan] = {};
  T* const result = buffer[sizeof...(I)];
  (std::memcpy(buffer[I], in[I] + i, n * sizeof(T)), ...);
  const T* const few[] = {buffer[I]...};
  Step::template Run<Format>(typename Format::D(), few, 0, result, bits + i / 8, false, inputs, p...);
  std::memcpy(out + i, result, n * sizeof(T));
}

// How many bytes ahead memory is asked for what is to be read and to be written: else it does nothing
// while a vector is computed (measured at 2^25 floats: piecewise functions a sixth sooner for it,
// smooth ones a third to two thirds, at any distance from a quarter to four times these).
constexpr size_t kReadAhead = 2048, kWriteAhead = 1024;

template <class T, size_t... I>
HWY_INLINE void AskAhead(const T* const* in, const T* out, size_t i, std::index_sequence<I...>) {
  (hwy::Prefetch(reinterpret_cast<const char*>(in[I] + i) + kReadAhead), ...);
  hwy::Prefetch(reinterpret_cast<const char*>(out + i) + kWriteAhead);
}

// One span of elements after another: Step reads `in...`, whose elements differ, takes the parameters
// `p...`, which all elements share and which stay in registers, and writes `out`. `bits` goes along
// at one bit per element, for the steps that keep or use them. The first few elements may have to
// bring the rest in line with the cache, and a few are left at the end.
//
// What is quicker than the memory is written past the cache if it is large. Both halves then go along
// at once, which keeps more of the memory busy (measured at 2^26 floats: 3 to 8 % sooner; four quarters
// or a buffer in the cache were no better). What is slower is not: it would take longer (measured: by a
// tenth to a third).
template <class Format, class Step, class Bits, size_t... I, class... V>
HWY_INLINE void Sweep(const typename Format::Stored* const* in, typename Format::Stored* out,
                      Bits bits, size_t n, bool stream, std::index_sequence<I...> inputs, V... p) {
  const typename Format::D d;
  const size_t span = Step::Span(d);
  size_t i = Step::Head(out, span, n);
  if (i) Few<Format, Step>(in, out, bits, 0, i, inputs, p...);
  if constexpr (Step::kIsQuick && !kIsOneLane<Format>) {
    if (stream && BeforeAligned(out + i, span) == 0) {
      const size_t half = (n - i) / 2 / span * span;
      for (const size_t end = i + half; i < end; i += span) {
        const size_t j = i + half;
        Step::template Run<Format>(d, in, i, out + i, bits + i / 8, true, inputs, p...);
        Step::template Run<Format>(d, in, j, out + j, bits + j / 8, true, inputs, p...);
      }
      i += half;
    }
  }
  for (; i + span <= n; i += span) {
    if constexpr (!kIsOneLane<Format>) AskAhead(in, out, i, inputs);
    Step::template Run<Format>(d, in, i, out + i, bits + i / 8, false, inputs, p...);
  }
  if (i < n) Few<Format, Step>(in, out, bits, i, n - i, inputs, p...);
}

// The inputs are `kArrays` that differ by element, then the parameters: all of them shared by all
// elements, or each with a value per element.
template <class Format, class Step, size_t kArrays, class Bits, size_t... P>
HWY_INLINE void Compute(const typename Format::Stored* const* in, typename Format::Stored* out,
                        Bits bits, size_t n, bool stream, bool shared, std::index_sequence<P...>) {
  constexpr std::make_index_sequence<kArrays> arrays;
  if constexpr (sizeof...(P) == 0) {
    Sweep<Format, Step>(in, out, bits, n, stream, arrays);
  } else if (shared) {
    Sweep<Format, Step>(in, out, bits, n, stream, arrays, Format::Broadcast(in[kArrays + P])...);
  } else {
    constexpr std::make_index_sequence<kArrays + sizeof...(P)> every;
    Sweep<Format, Step>(in, out, bits, n, stream, every);
  }
  if (stream) hwy::FlushStream();
}

// For functions that keep no bits.
struct NoBits {
  NoBits operator+(size_t) const { return {}; }
};

// The step of a function of vectors: one vector.
template <class Function>
struct Map {
  static constexpr bool kIsQuick = Function::kIsQuick;

  template <class D>
  static HWY_INLINE size_t Span(D d) { return Lanes(d); }

  // A vector across the border between two cache lines costs two writes. Where there are few, that
  // is less than bringing them in line.
  template <class T>
  static HWY_INLINE size_t Head(const T* out, size_t span, size_t n) {
    return n * sizeof(T) < 4096 ? 0 : BeforeAligned(out, span);
  }

  template <class Format, class D, class T, size_t... I, class... V>
  static HWY_INLINE void Run(D d, const T* const* in, size_t i, T* out, NoBits, bool stream,
                             std::index_sequence<I...>, V... p) {
    Write<Format>(Function::Apply(d, Format::Load(in[I] + i)..., p...), out, stream);
  }
};

// Elements that lie `stride` bytes apart, 0 for one and the same, to where they are packed; and back.
template <class T>
const T* Gather(const char* from, ptrdiff_t stride, ptrdiff_t n, T* to) {
  if (stride == 0) {
    std::fill_n(to, n, *reinterpret_cast<const T*>(from));
  } else if (stride == sizeof(T)) {
    std::memcpy(to, from, n * sizeof(T));
  } else {
    for (ptrdiff_t i = 0; i < n; ++i) to[i] = *reinterpret_cast<const T*>(from + i * stride);
  }
  return to;
}

template <class T>
void Scatter(const T* from, ptrdiff_t n, char* to, ptrdiff_t stride) {
  if (stride == sizeof(T)) {
    std::memcpy(to, from, n * sizeof(T));
  } else {
    for (ptrdiff_t i = 0; i < n; ++i) *reinterpret_cast<T*>(to + i * stride) = from[i];
  }
}

// The loop of one function for operands of any layout: `kArrays` inputs that always differ by
// element, `kParameters` that usually do not (stride 0), one output. Of one lane the loop is there once,
// for parameters that differ: the types are many.
template <class Format, class Function, int kArrays, int kParameters>
struct Elementwise {
  using T = typename Format::Stored;
  static constexpr int kInputs = kArrays + kParameters;
  static constexpr ptrdiff_t kPacked = sizeof(T);

  static void Run(char* const* data, const ptrdiff_t* strides, ptrdiff_t n, bool stream) {
    const bool shared = SharedParameters(strides);
    const int loaded = shared ? kArrays : kInputs;
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
      Compute<Format, Map<Function>, kArrays>(in, out, NoBits(), count,
                                               stream && in_place, shared,
                                               std::make_index_sequence<kParameters>());
      if (!in_place) Scatter(out, count, first, strides[kInputs]);
    }
  }

 private:
  static bool SharedParameters(const ptrdiff_t* strides) {
    if (kIsOneLane<Format> && kParameters > 0) return false;
    for (int k = kArrays; k < kInputs; ++k) {
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
};

// The loop of a narrow format by way of that of the wide one it is computed in: a block is widened,
// computed and narrowed. It is for functions that take far longer than that, so that the wide loop's
// long code is there once for all formats. The bits are those of the narrow format's own loop.
template <class Format, class WideLoop>
struct Widened {
  using T = typename Format::Stored;
  using D = typename Format::D;
  using W = TFromD<D>;
  static constexpr int kInputs = WideLoop::kInputs;

  // What all elements share is widened once.
  static void Run(char* const* data, const ptrdiff_t* strides, ptrdiff_t n, bool) {
    alignas(64) W wide[kInputs + 1][kBlock];
    char* operands[kInputs + 1];
    ptrdiff_t steps[kInputs + 1];
    for (int k = 0; k <= kInputs; ++k) {
      operands[k] = reinterpret_cast<char*>(wide[k]);
      steps[k] = k < kInputs && strides[k] == 0 ? 0 : sizeof(W);
    }
    for (ptrdiff_t start = 0; start < n; start += kBlock) {
      const ptrdiff_t count = HWY_MIN(kBlock, n - start);
      for (int k = 0; k < kInputs; ++k) {
        if (steps[k] == 0 && start > 0) continue;
        Widen(data[k] + start * strides[k], strides[k], steps[k] ? count : 1, wide[k]);
      }
      WideLoop::Run(operands, steps, WholeVectors(count), false);
      Narrow(wide[kInputs], count, data[kInputs] + start * strides[kInputs], strides[kInputs]);
    }
  }

 private:
  static ptrdiff_t WholeVectors(ptrdiff_t n) {
    const ptrdiff_t lanes = Lanes(D());
    return (n + lanes - 1) / lanes * lanes;
  }

  // The last vector is filled with zeros.
  static void Widen(const char* from, ptrdiff_t stride, ptrdiff_t n, W* to) {
    T narrow[kBlock];
    Gather(from, stride, n, narrow);
    std::fill(narrow + n, narrow + WholeVectors(n), T());
    for (ptrdiff_t i = 0; i < n; i += Lanes(D())) Store(Format::Load(narrow + i), D(), to + i);
  }

  static void Narrow(const W* from, ptrdiff_t n, char* to, ptrdiff_t stride) {
    T narrow[kBlock];
    for (ptrdiff_t i = 0; i < n; i += Lanes(D())) Format::Store(Load(D(), from + i), narrow + i);
    Scatter(narrow, n, to, stride);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
