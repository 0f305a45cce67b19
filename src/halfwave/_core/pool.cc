#include "pool.h"

#if defined(__linux__) || defined(__APPLE__)

#include <pthread.h>
#include <sys/mman.h>

#include <cstdint>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#include "pages.h"

namespace halfwave {
namespace pool {
namespace {

constexpr size_t kHugePage = size_t{1} << 21;

struct Block {
  char* start;
  size_t bytes;
};

struct State {
  std::mutex mutex;
  size_t limit = 0;
  size_t kept = 0;
  std::vector<Block> idle;  // the one given back last is at the end
  std::unordered_map<void*, size_t> taken;
};

// Never destroyed: arrays may outlive every static object.
State& state() {
  static State* const only = new State;
  return *only;
}

size_t rounded_up(size_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }

// A huge page has to start at a multiple of its size: map one more, and give back what is around.
Block map_block(size_t bytes) {
  void* const mapped = mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return {nullptr, 0};
  char* const first = static_cast<char*>(mapped);
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(first) % kHugePage) % kHugePage;
  if (before) munmap(first, before);
  munmap(first + before + bytes, kHugePage - before);
  ask_for_huge_pages(first + before, bytes);
  return {first + before, bytes};
}

void unmap(const Block& block) { munmap(block.start, block.bytes); }

// The smallest idle block that fits and is not a quarter too large, the youngest of those.
Block reuse(State& s, size_t bytes) {
  auto best = s.idle.end();
  for (auto block = s.idle.begin(); block != s.idle.end(); ++block) {
    const bool fits = block->bytes >= bytes && block->bytes - bytes <= bytes / 4;
    if (fits && (best == s.idle.end() || block->bytes <= best->bytes)) best = block;
  }
  if (best == s.idle.end()) return {nullptr, 0};
  const Block found = *best;
  s.idle.erase(best);
  s.kept -= found.bytes;
  return found;
}

// Gives the oldest blocks back to the system until all the others are within `bytes`.
void shrink(State& s, size_t bytes) {
  auto block = s.idle.begin();
  for (; s.kept > bytes; ++block) {
    unmap(*block);
    s.kept -= block->bytes;
  }
  s.idle.erase(s.idle.begin(), block);
}

// NumPy, which calls, knows no exceptions. There is room for every block that may come back.
bool remember(State& s, const Block& block) {
  try {
    s.idle.reserve(s.idle.size() + s.taken.size() + 1);
    s.taken[block.start] = block.bytes;
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace

bool exists() { return true; }

void* take(size_t bytes) {
  if (bytes > SIZE_MAX - 2 * kHugePage) return nullptr;
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  Block block = reuse(s, rounded_up(bytes));
  if (block.start && !is_resident(block.start + block.bytes / 2)) {
    // The system took its pages, and would give small ones in the place of the huge ones.
    unmap(block);
    block.start = nullptr;
  }
  if (!block.start) block = map_block(rounded_up(bytes));
  if (!block.start) {  // what is kept takes up addresses, too
    shrink(s, 0);
    block = map_block(rounded_up(bytes));
  }
  if (block.start && !remember(s, block)) {
    unmap(block);
    return nullptr;
  }
  return block.start;
}

bool give(void* start) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  const auto found = s.taken.find(start);
  if (found == s.taken.end()) return false;
  const Block block = {static_cast<char*>(start), found->second};
  s.taken.erase(found);
  if (block.bytes > s.limit) {
    unmap(block);
    return true;
  }
  shrink(s, s.limit - block.bytes);
  madvise(block.start, block.bytes, MADV_FREE);
  s.idle.push_back(block);
  s.kept += block.bytes;
  return true;
}

size_t size_of(void* start) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  const auto found = s.taken.find(start);
  return found == s.taken.end() ? 0 : found->second;
}

size_t set_limit(size_t bytes) {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  const size_t before = s.limit;
  s.limit = bytes;
  shrink(s, bytes);
  return before;
}

size_t limit() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return s.limit;
}

size_t kept() {
  State& s = state();
  const std::lock_guard<std::mutex> lock(s.mutex);
  return s.kept;
}

// A fork while another thread holds the mutex would leave the child with a mutex that is held by
// nobody.
void prepare() {
  pthread_atfork([] { state().mutex.lock(); }, [] { state().mutex.unlock(); },
                 [] { state().mutex.unlock(); });
}

}  // namespace pool
}  // namespace halfwave

#else

namespace halfwave {
namespace pool {

bool exists() { return false; }
void* take(size_t) { return nullptr; }
bool give(void*) { return false; }
size_t size_of(void*) { return 0; }
size_t set_limit(size_t) { return 0; }
size_t limit() { return 0; }
size_t kept() { return 0; }
void prepare() {}

}  // namespace pool
}  // namespace halfwave

#endif
