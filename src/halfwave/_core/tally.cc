#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tally.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set

#include "hwy/highway.h"
#include "tally-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

void TallyOf(const Layer& layer, Span units, const Tallies& tallies) {
  switch (layer.type) {
    case kFloat16: return Tally<Float16>(layer, units, tallies);
    case kBFloat16: return Tally<BFloat16>(layer, units, tallies);
    case kFloat32: return Tally<Plain<float>>(layer, units, tallies);
    default: return Tally<Plain<double>>(layer, units, tallies);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cfenv>

#include "run.h"

namespace halfwave {
namespace {

HWY_EXPORT(TallyOf);

// A thread's share is a multiple of so many units: whole strips, whole cache lines.
constexpr ptrdiff_t kGrain = 16;

// A thread gets a quarter of what it gets elsewhere: in the midst of a training step the others are
// awake (measured: the counting of a megabyte for each takes six tenths of the time on two threads,
// with PyTorch's OpenMP or another beside it).
constexpr ptrdiff_t kEagerness = 4;

// Each thread counts units of its own, so that no sum depends on how many there are.
void tally_on_threads(const Layer& layer, const Tallies& tallies, ptrdiff_t most) {
  const auto tally_units = HWY_DYNAMIC_DISPATCH(TallyOf);
  const ptrdiff_t grains = (layer.units.size + kGrain - 1) / kGrain;
  const int threads = static_cast<int>(std::min(grains, most));
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
#endif
  for (int t = 0; t < threads; ++t) {
    const ptrdiff_t first = grains * t / threads * kGrain;
    const ptrdiff_t end = std::min(grains * (t + 1) / threads * kGrain, layer.units.size);
    tally_units(layer, {first, end - first}, tallies);
  }
}

}  // namespace

ptrdiff_t bytes_of(const Layer& layer) {
  ptrdiff_t bytes = layer.units.size * element_size(layer.type);
  for (const Dim& dim : layer.values.samples) bytes *= dim.size;
  for (const Dim& dim : layer.values.positions) bytes *= dim.size;
  return bytes;
}

void tally(const Layer& layer, const Tallies& tallies) {
  if (bytes_of(layer) == 0) return;
  const int before = std::fetestexcept(FE_ALL_EXCEPT);
  tally_on_threads({layer.type, straightened(layer.values), layer.units, layer.floor}, tallies,
                   threads_for(kEagerness * bytes_of(layer)));
  std::feclearexcept(FE_ALL_EXCEPT & ~before);
}

}  // namespace halfwave
#endif
