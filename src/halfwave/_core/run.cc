#include "run.h"

#include <algorithm>

#include "pages.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#ifndef _WIN32
#include <pthread.h>
#include <unistd.h>
#endif

namespace halfwave {
namespace {

// A thread gets no less. Two that are awake pay from a sixteenth of it on, and one that has to be
// woken from a quarter; but where another program holds its core, all wait for it for milliseconds,
// which is to be worth it.
constexpr ptrdiff_t kBytesPerThread = ptrdiff_t{1} << 22;

// A thread's share is a multiple of so many elements: whole bytes of bits, whole cache lines.
constexpr ptrdiff_t kGrain = 1024;

// Half of the last cache, since the operands want room in it, too. Of a larger one others have their
// shares: a virtual machine is told of the whole (measured where that is 480 MB: from 64 MB on written
// a third sooner past it).
ptrdiff_t stream_above() {
  static const ptrdiff_t bytes = [] {
    constexpr ptrdiff_t kMost = ptrdiff_t{1} << 25;
    ptrdiff_t cache = 0;
#ifdef _SC_LEVEL3_CACHE_SIZE
    cache = std::max(sysconf(_SC_LEVEL3_CACHE_SIZE), sysconf(_SC_LEVEL2_CACHE_SIZE));
#endif
    return cache > 0 ? std::min(cache / 2, kMost) : ptrdiff_t{1} << 23;
  }();
  return bytes;
}

// From so many bytes on the memory of a result is worth a question. NumPy asks for huge pages from
// here on; not every library that allocates a result does.
constexpr ptrdiff_t kLarge = ptrdiff_t{1} << 22;

// Gets the memory of a large result ready, and says whether to write past the cache. Memory that the
// system first gives when it is written has just been zeroed in the cache, and is written there
// sooner. The page in the middle speaks for all: libraries write to the first of a block.
bool prepare_result(const Operands& operands) {
  const ptrdiff_t bytes = operands.n * operands.element;
  const int result = operands.count - (operands.bits == operands.count - 1 ? 2 : 1);
  if (bytes < kLarge || operands.strides[result] != operands.element) return false;
  char* const first = operands.data[result];
  if (is_resident(first + bytes / 2)) return bytes > stream_above();
  ask_for_huge_pages(first, bytes);
  return false;
}

#ifdef _OPENMP
// libgomp's threads do not survive a fork, but it would wait for them.
bool is_forked = false;

void run_part(Loop loop, const Operands& operands, ptrdiff_t start, ptrdiff_t count, bool stream) {
  char* data[kMaxOperands];
  for (int k = 0; k < operands.count; ++k) {
    data[k] = operands.data[k] + (k == operands.bits ? start / 8 : start * operands.strides[k]);
  }
  loop(data, operands.strides, count, stream);
}

void run_threads(Loop loop, const Operands& operands, int threads, bool stream) {
  const ptrdiff_t grains = (operands.n + kGrain - 1) / kGrain;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int t = 0; t < threads; ++t) {
    const ptrdiff_t start = grains * t / threads * kGrain;
    const ptrdiff_t end = std::min(grains * (t + 1) / threads * kGrain, operands.n);
    if (start < end) run_part(loop, operands, start, end - start, stream);
  }
}
#endif

}  // namespace

int max_threads() {
#ifdef _OPENMP
  if (!is_forked && !omp_in_parallel()) return omp_get_max_threads();
#endif
  return 1;
}

int threads_for(ptrdiff_t bytes) {
  const ptrdiff_t shares = bytes / kBytesPerThread;
  return shares < 2 ? 1 : static_cast<int>(std::min<ptrdiff_t>(max_threads(), shares));
}

void prepare_threads() {
#if defined(_OPENMP) && !defined(_WIN32)
  pthread_atfork(nullptr, nullptr, [] { is_forked = true; });
#endif
}

void run(Loop loop, const Operands& operands) {
  const bool stream = prepare_result(operands);
#ifdef _OPENMP
  const int threads = threads_for(operands.n * operands.element);
  if (threads > 1) return run_threads(loop, operands, threads, stream);
#endif
  loop(operands.data, operands.strides, operands.n, stream);
}

void run_released(Loop loop, const Operands& operands) {
  if (operands.n * operands.element < kReleaseGil) {
    run(loop, operands);
    return;
  }
  Py_BEGIN_ALLOW_THREADS
  run(loop, operands);
  Py_END_ALLOW_THREADS
}

}  // namespace halfwave
