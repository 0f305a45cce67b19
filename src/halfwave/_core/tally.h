// Counts what the units of a layer do: on how many samples each fires, how many of its values are
// not finite, and the sum, the sum of the magnitudes, the lowest and the highest of those that are.
// One pass over any layout, written once for every activation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rows.h"
#include "table.h"

namespace halfwave {

// One number for each unit, to which what is counted is added.
struct Tallies {
  int64_t* fired;
  int64_t* nonfinite;
  double* total;
  double* magnitude;
  double* low;
  double* high;
};

// Unit u has the values of the first one, u strides on. It fires on a sample where any value is
// above `floor`.
struct Layer {
  Type type;
  Values values;
  Dim units;
  double floor;
};

// Units that follow one another.
struct Span {
  ptrdiff_t first;
  ptrdiff_t count;
};

// Sums have the same bits on every instruction set and for every number of threads.
void tally(const Layer& layer, const Tallies& tallies);

// How many bytes the values take.
ptrdiff_t bytes_of(const Layer& layer);

}  // namespace halfwave
