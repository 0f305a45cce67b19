// Runs one loop over operands of any size: past the cache where the result will not fit in it, and
// on several threads where that pays. Written once for every loop.
#pragma once

#include "numpy_api.h"
#include "table.h"

namespace halfwave {

// The operands of a loop, as it takes them. Operand `bits`, if there is one, has an eighth of a byte
// for each element; all others are `strides` apart. `element`: bytes of an element of the result.
struct Operands {
  char* const* data;
  const ptrdiff_t* strides;
  int count;
  ptrdiff_t n;
  ptrdiff_t element;
  int bits = -1;
};

void run(Loop loop, const Operands& operands);

// The same for a thread that holds the GIL: lets others have it while a large array is computed.
void run_released(Loop loop, const Operands& operands);

// How many threads a large array is computed on, at most: 1 in a forked child.
int max_threads();

// How many pay for so many bytes.
int threads_for(ptrdiff_t bytes);

// From so many bytes on a call is long enough to let other Python threads run meanwhile.
constexpr ptrdiff_t kReleaseGil = 1 << 15;

// To be called once, when the module is made.
void prepare_threads();

}  // namespace halfwave
