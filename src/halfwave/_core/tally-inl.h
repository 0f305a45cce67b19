// Counts the units of a layer, strip by strip. Compiled once for each instruction set.

#if defined(HALFWAVE_TALLY_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_TALLY_INL_H
#undef HALFWAVE_TALLY_INL_H
#else
#define HALFWAVE_TALLY_INL_H
#endif

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "strips-inl.h"
#include "tally.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

// So many strips are counted side by side: a page of each row of floats. Their counts stay in the
// second-level cache.
constexpr ptrdiff_t kStrips = 64;

// What the second-level cache does not hold is asked for before it is read (measured: a tenth to a
// third sooner there, but later within the cache).
constexpr ptrdiff_t kFar = ptrdiff_t{1} << 21;

// The largest number of the lanes' type that is not above: the same values are above it.
template <class C>
C RoundDown(double floor) {
  const C rounded = static_cast<C>(floor);
  return rounded > floor ? std::nextafter(rounded, -std::numeric_limits<C>::infinity()) : rounded;
}

template <class Format>
Counting<Format> HowToCount(const Layer& layer) {
  return {RoundDown<Computed<Format>>(layer.floor), bytes_of(layer) > kFar};
}

// Adds what a lane counted to its unit. A minimum takes either zero; adding 0 makes it positive.
template <class Format>
void Merge(const Strip<Format>& strip, size_t lane, const Tallies& tallies, ptrdiff_t unit) {
  tallies.fired[unit] += static_cast<int64_t>(strip.fired[lane]);
  tallies.nonfinite[unit] += static_cast<int64_t>(strip.nonfinite[lane]);
  tallies.total[unit] += strip.total[lane];
  tallies.magnitude[unit] += strip.magnitude[lane];
  tallies.low[unit] = HWY_MIN(tallies.low[unit], strip.low[lane] + 0.0);
  tallies.high[unit] = HWY_MAX(tallies.high[unit], strip.high[lane] + 0.0);
}

// Adds up what the lanes counted for one unit, in one order on every instruction set.
template <class Format>
void Fold(Strip<Format>& strip) {
  for (size_t half = kLanes / 2; half > 0; half /= 2) {
    for (size_t k = 0; k < half; ++k) {
      strip.nonfinite[k] += strip.nonfinite[k + half];
      strip.total[k] += strip.total[k + half];
      strip.magnitude[k] += strip.magnitude[k + half];
      strip.low[k] = HWY_MIN(strip.low[k], strip.low[k + half]);
      strip.high[k] = HWY_MAX(strip.high[k], strip.high[k + half]);
    }
  }
}

// Where the positions of a unit are contiguous: a unit to a strip.
template <class Format>
void TallyRuns(const Layer& layer, ptrdiff_t run, Span units, const Tallies& tallies) {
  std::vector<Strip<Format>> strips(units.count);
  auto counting = HowToCount<Format>(layer);
  RowReader reader(layer.values, run);
  for (Rows rows; reader.Read(rows);) {
    for (ptrdiff_t k = 0; k < units.count; ++k) {
      const char* const data = layer.values.data + (units.first + k) * layer.units.stride;
      Count<Format, kRuns>(data, rows, counting, strips[k]);
    }
  }
  for (ptrdiff_t k = 0; k < units.count; ++k) {
    Fold(strips[k]);
    Merge(strips[k], 0, tallies, units.first + k);
  }
}

// Brings the rows of n units together, the lanes beyond them as they are.
template <class T>
Rows Gather(const char* data, ptrdiff_t stride, size_t n, const Rows& rows, T (*to)[kLanes]) {
  Rows gathered = rows;
  for (int row = 0; row < rows.samples * rows.positions; ++row) {
    gathered.offsets[row] = row * sizeof(to[row]);
    for (size_t k = 0; k < n; ++k) {
      std::memcpy(to[row] + k, data + rows.offsets[row] + k * stride, sizeof(T));
    }
  }
  return gathered;
}

template <class Format>
void CountLanes(const char* data, const Rows& rows, Counting<Format>& counting,
                Strip<Format>& strip) {
  if (rows.positions == 1 && rows.begin && rows.end) {
    Count<Format, kSamples>(data, rows, counting, strip);
  } else {
    Count<Format, kPositions>(data, rows, counting, strip);
  }
}

// Everywhere else: a unit to a lane.
template <class Format>
void TallyLanes(const Layer& layer, Span units, const Tallies& tallies) {
  using T = typename Format::Stored;
  const ptrdiff_t stride = layer.units.stride;
  std::vector<Strip<Format>> strips((units.count + kLanes - 1) / kLanes);
  auto counting = HowToCount<Format>(layer);
  RowReader reader(layer.values, 1);
  alignas(64) T buffer[kRows][kLanes] = {};
  for (Rows rows; reader.Read(rows);) {
    for (size_t k = 0; k < strips.size(); ++k) {
      const char* const data = layer.values.data + (units.first + k * kLanes) * stride;
      const size_t n = HWY_MIN(kLanes, units.count - k * kLanes);
      if (n == kLanes && stride == sizeof(T)) {
        CountLanes(data, rows, counting, strips[k]);
      } else {
        const Rows gathered = Gather(data, stride, n, rows, buffer);
        CountLanes(reinterpret_cast<const char*>(buffer), gathered, counting, strips[k]);
      }
    }
  }
  for (ptrdiff_t k = 0; k < units.count; ++k) {
    Merge(strips[k / kLanes], k % kLanes, tallies, units.first + k);
  }
}

template <class Format>
void Tally(const Layer& layer, Span units, const Tallies& tallies) {
  const ptrdiff_t run = contiguous_run(layer.values, sizeof(typename Format::Stored));
  const bool runs = run >= static_cast<ptrdiff_t>(kLanes);
  const ptrdiff_t most = runs ? kStrips : kStrips * kLanes;
  for (; units.count > 0; units.first += most, units.count -= most) {
    const Span some = {units.first, HWY_MIN(units.count, most)};
    if (runs) {
      TallyRuns<Format>(layer, run, some, tallies);
    } else {
      TallyLanes<Format>(layer, some, tallies);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
