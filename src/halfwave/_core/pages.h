// What the system knows of the memory behind an address.
#pragma once

#include <cstddef>

namespace halfwave {

// Whether the system has given the page at `p` its memory; true where that cannot be known.
bool is_resident(const void* p);

// Has the system give memory in huge pages, where it does so at all: to be given small ones takes
// longer than to write them.
void ask_for_huge_pages(void* p, size_t bytes);

}  // namespace halfwave
