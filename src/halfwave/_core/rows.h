// Reads the values of a unit row by row, however they lie in memory. A row is one value, or a run
// of values that are contiguous. Rows come in blocks, which serve for one unit after another.
#pragma once

#include <cstddef>
#include <vector>

namespace halfwave {

struct Dim {
  ptrdiff_t size;
  ptrdiff_t stride;  // in bytes
};

// Each index into `samples` is a sample, and has a value at each index into `positions`.
struct Values {
  const char* data;
  std::vector<Dim> samples;
  std::vector<Dim> positions;
};

// The same values with few dimensions and no negative strides, in the order of memory: samples and
// positions have no order of their own. No size is 0.
Values straightened(const Values& values);

// How many values of a unit are contiguous: those along the last dimension of its positions, or 1.
ptrdiff_t contiguous_run(const Values& values, ptrdiff_t element);

// A block has no more rows. Half as many take longer in the cache, twice as many past it (measured:
// by a tenth, and by a quarter).
constexpr ptrdiff_t kRows = 32;

// A block: some whole samples, or a part of one.
struct Rows {
  ptrdiff_t offsets[kRows];  // in bytes
  ptrdiff_t ahead;           // to the next block, also in bytes; or 0
  int samples;
  int positions;  // rows of each sample
  ptrdiff_t run;  // values of each row
  bool begin;     // the first row begins a sample
  bool end;       // the last row ends one
};

class RowReader {
 public:
  // `run`: the values of a row, which are 1 or a contiguous run.
  RowReader(const Values& values, ptrdiff_t run);

  // False when all have been read.
  bool Read(Rows& rows);

 private:
  void Advance();

  std::vector<Dim> dims_;
  std::vector<ptrdiff_t> index_;
  ptrdiff_t offset_ = 0;
  ptrdiff_t run_;
  ptrdiff_t positions_ = 1;  // rows of a sample
  ptrdiff_t position_ = 0;
  ptrdiff_t samples_left_ = 1;
};

}  // namespace halfwave
