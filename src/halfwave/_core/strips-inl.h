// A strip of lanes, each of which counts values of one unit, row by row. Compiled once for each
// instruction set.
//
// A lane adds up in double, one value after another. So its sums have the same bits on every
// instruction set, whether a vector holds all lanes of the strip or one.

#if defined(HALFWAVE_STRIPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_STRIPS_INL_H
#undef HALFWAVE_STRIPS_INL_H
#else
#define HALFWAVE_STRIPS_INL_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "formats-inl.h"
#include "hwy/cache_control.h"
#include "rows.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

// The lanes of a strip: as many as the widest vector has. No run is shorter.
constexpr size_t kLanes = 16;

// So many bytes of a run are on their way from memory while one is counted.
constexpr ptrdiff_t kAhead = 2048;

// What the lanes have in a row.
enum Content {
  kSamples,    // a value of their own, which is a sample
  kPositions,  // a value of their own, with other rows to the sample
  kRuns,       // every kLanes-th value of a run: all lanes count for one unit
};

// A vector, or the one that lies at `p`, in double: as one vector, or as a lower and an upper one.
template <class Format>
struct Wide {
  using D = typename Format::D;
  using T = typename Format::Stored;
#if HWY_TARGET == HWY_SCALAR
  static constexpr bool kHalves = false;
  using DD = Rebind<double, D>;
  static HWY_INLINE Vec<DD> Lower(Vec<D> v) { return PromoteTo(DD(), v); }
#else
  static constexpr bool kHalves = true;
  using DD = RepartitionToWide<D>;
  static HWY_INLINE Vec<DD> Lower(Vec<D> v) { return PromoteTo(DD(), LowerHalf(Half<D>(), v)); }
  static HWY_INLINE Vec<DD> Upper(Vec<D> v) { return PromoteTo(DD(), UpperHalf(Half<D>(), v)); }
  static HWY_INLINE Vec<DD> Upper(const T* p) { return Upper(Format::Load(p)); }
#endif
  static HWY_INLINE Vec<DD> Lower(const T* p) { return Lower(Format::Load(p)); }
};

#if HWY_TARGET != HWY_SCALAR
// Reading the halves anew is sooner than taking the vector apart (measured: a tenth in all).
template <>
HWY_INLINE auto Wide<Plain<float>>::Lower(const float* p) -> Vec<DD> {
  return PromoteTo(DD(), LoadU(Half<D>(), p));
}
template <>
HWY_INLINE auto Wide<Plain<float>>::Upper(const float* p) -> Vec<DD> {
  return PromoteTo(DD(), LoadU(Half<D>(), p + Lanes(Half<D>())));
}
#endif

template <>
struct Wide<Plain<double>> {
  static constexpr bool kHalves = false;
  using DD = Plain<double>::D;
  static HWY_INLINE Vec<DD> Lower(Vec<DD> v) { return v; }
  static HWY_INLINE Vec<DD> Lower(const double* p) { return LoadU(DD(), p); }
};

// What is computed with: float or double.
template <class Format>
using Computed = TFromD<typename Format::D>;

template <class Format>
Computed<Format> Lowest() {
  return -std::numeric_limits<Computed<Format>>::infinity();
}

// What the lanes have counted. In double, which holds every count there can be.
template <class Format>
struct Strip {
  using C = Computed<Format>;
  alignas(64) double fired[kLanes] = {};
  alignas(64) double nonfinite[kLanes] = {};
  alignas(64) double total[kLanes] = {};
  alignas(64) double magnitude[kLanes] = {};
  alignas(64) C low[kLanes];
  alignas(64) C high[kLanes];
  alignas(64) C peak[kLanes];  // the highest value of the sample at hand
  uint64_t samples = 0;        // kRuns: a bit for each of the block on which a lane fires

  Strip() {
    std::fill_n(low, kLanes, -Lowest<Format>());
    std::fill_n(high, kLanes, Lowest<Format>());
  }
};

// How strips are counted.
template <class Format>
struct Counting {
  Computed<Format> floor;
  bool is_far;             // the values are too many to lie in the cache
  bool is_signed = false;  // not all so far were 0 and above, nor will be
};

template <class Format, class W>
HWY_INLINE void StoreSums(W lower, W upper, double* sums) {
  const typename Wide<Format>::DD dd;
  Store(lower, dd, sums);
  if constexpr (Wide<Format>::kHalves) Store(upper, dd, sums + Lanes(dd));
}

// Adds a vector to sums in memory.
template <class Format>
HWY_INLINE void AddTo(double* sums, Vec<typename Format::D> v) {
  const typename Wide<Format>::DD dd;
  Store(Add(Load(dd, sums), Wide<Format>::Lower(v)), dd, sums);
  if constexpr (Wide<Format>::kHalves) {
    double* const upper = sums + Lanes(dd);
    Store(Add(Load(dd, upper), Wide<Format>::Upper(v)), dd, upper);
  }
}

// Counts a vector `v`. What is added up may differ, or be read anew: `from`.
template <class Format, bool kSigned, class V, class From, class W>
HWY_INLINE void Take(V v, From from, V& low, V& peak, W& total0, W& total1, W& magnitude0,
                     W& magnitude1) {
  low = Min(low, v);
  peak = Max(peak, v);
  const auto lower = Wide<Format>::Lower(from);
  total0 = Add(total0, lower);
  if constexpr (kSigned) magnitude0 = Add(magnitude0, Abs(lower));
  if constexpr (Wide<Format>::kHalves) {
    const auto upper = Wide<Format>::Upper(from);
    total1 = Add(total1, upper);
    if constexpr (kSigned) magnitude1 = Add(magnitude1, Abs(upper));
  }
}

// The last few values of a run are read as its last kLanes. Those among them that have been counted
// weigh 0 in the sums; but where they are not finite, the sums are not either.
template <class D>
HWY_INLINE Vec<D> LastWeights(D d, size_t lane, size_t n) {
  using C = TFromD<D>;
  const auto first = Set(d, static_cast<C>(kLanes - n % kLanes));
  return IfThenZeroElse(Lt(Iota(d, static_cast<C>(lane)), first), Set(d, 1));
}

template <class Format, bool kSigned, class V, class W>
HWY_INLINE void TakeRun(const typename Format::Stored* p, size_t n, ptrdiff_t ahead, V last_weights,
                        V& low, V& peak, W& total0, W& total1, W& magnitude0, W& magnitude1) {
  for (size_t group = 0; group < n / kLanes; ++group, p += kLanes) {
    hwy::Prefetch(reinterpret_cast<const char*>(p) + ahead);
    Take<Format, kSigned>(Format::Load(p), p, low, peak, total0, total1, magnitude0, magnitude1);
  }
  if (const size_t few = n % kLanes) {
    const auto v = Format::Load(p + few - kLanes);
    const auto weighed = Mul(v, last_weights);
    Take<Format, kSigned>(v, weighed, low, peak, total0, total1, magnitude0, magnitude1);
  }
}

// Notes which lanes fire on a sample: each for itself, or all for one unit. A peak is a value of
// the sample or NaN, whatever a maximum makes of NaN; so none fires by mistake.
template <class Format, Content content, class M, class V>
HWY_INLINE void Fire(M fires, int sample, V& fired, Strip<Format>& strip) {
  const typename Format::D d;
  if constexpr (content == kRuns) {
    strip.samples |= static_cast<uint64_t>(!AllFalse(d, fires)) << sample;
  } else {
    fired = IfThenElse(fires, Add(fired, Set(d, 1)), fired);
  }
}

// Keeps what the lanes from `lane` on came to, unless that is wrong: where a value is not finite,
// which the sums show, or, if not kSigned, below 0.
template <class Format, bool kSigned, class V, class W>
HWY_INLINE bool Keep(V low, V high, V peak, W total0, W total1, W magnitude0, W magnitude1,
                     size_t lane, Strip<Format>& strip) {
  const typename Format::D d;
  if (!AllTrue(typename Wide<Format>::DD(), IsFinite(Add(total0, total1)))) return false;
  if (!kSigned && !AllFalse(d, Lt(low, Zero(d)))) return false;
  Store(low, d, strip.low + lane);
  Store(high, d, strip.high + lane);
  Store(peak, d, strip.peak + lane);
  StoreSums<Format>(total0, total1, strip.total + lane);
  if constexpr (kSigned) {
    StoreSums<Format>(magnitude0, magnitude1, strip.magnitude + lane);
  } else {
    StoreSums<Format>(total0, total1, strip.magnitude + lane);
  }
  return true;
}

// Counts the lanes from `lane` on that fill a vector, as if all values were finite and, if not
// kSigned, none below 0, so that their magnitudes need no sums of their own. Where that is not so,
// nothing is counted, and the result is false.
template <class Format, Content content, bool kSigned>
bool Sweep(const char* data, const Rows& rows, const Counting<Format>& counting, size_t lane,
           Strip<Format>& strip) {
  using T = typename Format::Stored;
  const typename Format::D d;
  const typename Wide<Format>::DD dd;
  const size_t upper = Wide<Format>::kHalves ? lane + Lanes(dd) : lane;
  const ptrdiff_t ahead = counting.is_far ? (content == kRuns ? kAhead : rows.ahead) : 0;
  const auto last_weights = LastWeights(d, lane, rows.run);
  auto low = Load(d, strip.low + lane), high = Load(d, strip.high + lane), peak = high;
  auto total0 = Load(dd, strip.total + lane), magnitude0 = Load(dd, strip.magnitude + lane);
  auto total1 = Load(dd, strip.total + upper), magnitude1 = Load(dd, strip.magnitude + upper);
  auto fired = Zero(d);
  const ptrdiff_t* offset = rows.offsets;
  for (int sample = 0; sample < rows.samples; ++sample) {
    peak = Set(d, Lowest<Format>());
    for (int row = 0; row < (content == kSamples ? 1 : rows.positions); ++row) {
      const T* const p = reinterpret_cast<const T*>(data + *offset++) + lane;
      if constexpr (content == kRuns) {
        TakeRun<Format, kSigned>(p, rows.run, ahead, last_weights, low, peak, total0, total1,
                                 magnitude0, magnitude1);
      } else {
        const auto v = Format::Load(p);
        hwy::Prefetch(reinterpret_cast<const char*>(p) + ahead);
        Take<Format, kSigned>(v, p, low, peak, total0, total1, magnitude0, magnitude1);
        if (content == kSamples) peak = v;
      }
    }
    high = Max(high, peak);
    if (content != kSamples && !rows.begin) peak = Max(peak, Load(d, strip.peak + lane));
    if (content != kSamples && !rows.end) break;
    Fire<Format, content>(Gt(peak, Set(d, counting.floor)), sample, fired, strip);
  }
  const bool kept = Keep<Format, kSigned>(low, high, peak, total0, total1, magnitude0, magnitude1,
                                          lane, strip);
  if (kept) AddTo<Format>(strip.fired + lane, fired);
  return kept;
}

// Counts a vector of any values.
template <class Format, class V>
HWY_INLINE void TakeAny(V v, V weights, size_t lane, Strip<Format>& strip) {
  const typename Format::D d;
  const auto lowest = Set(d, Lowest<Format>());
  const auto finite = IsFinite(v);
  const auto weighed = Mul(IfThenElseZero(finite, v), weights);
  AddTo<Format>(strip.total + lane, weighed);
  AddTo<Format>(strip.magnitude + lane, Abs(weighed));
  AddTo<Format>(strip.nonfinite + lane, IfThenZeroElse(finite, weights));
  const auto low = Min(Load(d, strip.low + lane), IfThenElse(finite, v, Neg(lowest)));
  const auto high = Max(Load(d, strip.high + lane), IfThenElse(finite, v, lowest));
  const auto peak = Max(Load(d, strip.peak + lane), IfThenElse(IsNaN(v), lowest, v));
  Store(low, d, strip.low + lane);
  Store(high, d, strip.high + lane);
  Store(peak, d, strip.peak + lane);
}

template <class Format>
HWY_INLINE void TakeAnyRun(const typename Format::Stored* p, size_t n, size_t lane,
                           Strip<Format>& strip) {
  const typename Format::D d;
  for (size_t group = 0; group < n / kLanes; ++group, p += kLanes) {
    TakeAny<Format>(Format::Load(p), Set(d, 1), lane, strip);
  }
  if (const size_t few = n % kLanes) {
    TakeAny<Format>(Format::Load(p + few - kLanes), LastWeights(d, lane, n), lane, strip);
  }
}

// The same as Sweep for any values.
template <class Format, Content content>
void SweepAny(const char* data, const Rows& rows, const Counting<Format>& counting, size_t lane,
              Strip<Format>& strip) {
  using T = typename Format::Stored;
  const typename Format::D d;
  auto fired = Zero(d);
  const ptrdiff_t* offset = rows.offsets;
  for (int sample = 0; sample < rows.samples; ++sample) {
    if (rows.begin) Store(Set(d, Lowest<Format>()), d, strip.peak + lane);
    for (int row = 0; row < rows.positions; ++row) {
      const T* const p = reinterpret_cast<const T*>(data + *offset++) + lane;
      if constexpr (content == kRuns) {
        TakeAnyRun<Format>(p, rows.run, lane, strip);
      } else {
        TakeAny<Format>(Format::Load(p), Set(d, 1), lane, strip);
      }
    }
    if (!rows.end) break;
    const auto fires = Gt(Load(d, strip.peak + lane), Set(d, counting.floor));
    Fire<Format, content>(fires, sample, fired, strip);
  }
  AddTo<Format>(strip.fired + lane, fired);
}

// Counts rows, whose first value is at `data`, with no more care than they need.
template <class Format, Content content>
void Count(const char* data, const Rows& rows, Counting<Format>& counting, Strip<Format>& strip) {
  const size_t lanes = Lanes(typename Format::D());
  for (size_t lane = 0; lane < kLanes; lane += lanes) {
    if (!counting.is_signed) {
      if (Sweep<Format, content, false>(data, rows, counting, lane, strip)) continue;
      counting.is_signed = true;
    }
    if (Sweep<Format, content, true>(data, rows, counting, lane, strip)) continue;
    SweepAny<Format, content>(data, rows, counting, lane, strip);
  }
  if (content == kRuns) strip.fired[0] += hwy::PopCount(strip.samples);
  strip.samples = 0;
}

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
