#include "pages.h"

#ifdef __linux__

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace halfwave {
namespace {

uintptr_t page_size() {
  static const uintptr_t bytes = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

bool is_resident(const void* p) {
  unsigned char there = 1;
  void* const start = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(p) & -page_size());
  return mincore(start, page_size(), &there) != 0 || (there & 1);
}

void ask_for_huge_pages(void* p, size_t bytes) {
  const uintptr_t start = (reinterpret_cast<uintptr_t>(p) + page_size() - 1) & -page_size();
  const uintptr_t end = (reinterpret_cast<uintptr_t>(p) + bytes) & -page_size();
  madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE);
}

}  // namespace halfwave

#else

namespace halfwave {

bool is_resident(const void*) { return true; }
void ask_for_huge_pages(void*, size_t) {}

}  // namespace halfwave

#endif
