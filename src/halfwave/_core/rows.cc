#include "rows.h"

#include <algorithm>

namespace halfwave {
namespace {

// A block of runs has no more values, unless it is of one sample.
constexpr ptrdiff_t kBlock = 1024;

void straighten(std::vector<Dim>& dims, const char** data) {
  for (Dim& dim : dims) {
    if (dim.stride >= 0) continue;
    *data += (dim.size - 1) * dim.stride;
    dim.stride = -dim.stride;
  }
  std::stable_sort(dims.begin(), dims.end(),
                   [](const Dim& a, const Dim& b) { return a.stride > b.stride; });
  std::vector<Dim> joined;
  for (const Dim& dim : dims) {
    if (dim.size == 1) continue;
    if (!joined.empty() && joined.back().stride == dim.size * dim.stride) {
      joined.back() = {joined.back().size * dim.size, dim.stride};
    } else {
      joined.push_back(dim);
    }
  }
  dims = joined;
}

}  // namespace

Values straightened(const Values& values) {
  Values straight = values;
  straighten(straight.samples, &straight.data);
  straighten(straight.positions, &straight.data);
  return straight;
}

ptrdiff_t contiguous_run(const Values& values, ptrdiff_t element) {
  if (values.positions.empty()) return 1;
  const Dim& last = values.positions.back();
  return last.stride == element ? last.size : 1;
}

RowReader::RowReader(const Values& values, ptrdiff_t run) : dims_(values.samples), run_(run) {
  for (const Dim& dim : values.samples) samples_left_ *= dim.size;
  for (const Dim& dim : values.positions) positions_ *= dim.size;
  positions_ /= run;
  dims_.insert(dims_.end(), values.positions.begin(), values.positions.end() - (run > 1));
  index_.resize(dims_.size());
}

bool RowReader::Read(Rows& rows) {
  if (samples_left_ == 0) return false;
  const ptrdiff_t most = std::clamp(kBlock / run_, ptrdiff_t{1}, kRows);
  const ptrdiff_t samples = std::clamp(most / positions_, ptrdiff_t{1}, samples_left_);
  const ptrdiff_t positions = std::min(positions_ - position_, kRows);
  rows.samples = static_cast<int>(samples);
  rows.positions = static_cast<int>(positions);
  rows.run = run_;
  rows.begin = position_ == 0;
  rows.end = position_ + positions == positions_;
  position_ = rows.end ? 0 : position_ + positions;
  if (rows.end) samples_left_ -= samples;
  for (ptrdiff_t row = 0; row < samples * positions; ++row) {
    rows.offsets[row] = offset_;
    Advance();
  }
  rows.ahead = samples_left_ ? offset_ - rows.offsets[0] : 0;
  return true;
}

// Steps along the last dimension, and carries into the ones before it.
void RowReader::Advance() {
  for (size_t k = dims_.size(); k-- > 0;) {
    offset_ += dims_[k].stride;
    if (++index_[k] < dims_[k].size) return;
    offset_ -= dims_[k].size * dims_[k].stride;
    index_[k] = 0;
  }
}

}  // namespace halfwave
