// Large blocks of memory, kept for their next use. Nothing here knows Python.
//
// A block is mapped from the system, in huge pages where it has them. Once it is given back it is
// kept, as long as all that is kept stays below the limit, and marked as free: the system takes its
// pages when it runs short, and the next use finds those that it did not take. Any thread may call,
// and a forked child.
#pragma once

#include <cstddef>

namespace halfwave {
namespace pool {

// Whether this system has such memory.
bool exists();

// At least so many bytes, of any content; null where there is no memory.
void* take(size_t bytes);

// False: not a block that was taken.
bool give(void* start);

// Of a block that was taken; 0 of any other.
size_t size_of(void* start);

// The bytes that are kept at most; returns the limit until now. 0 gives all of them back.
size_t set_limit(size_t bytes);
size_t limit();

// The bytes that are kept now.
size_t kept();

// To be called once, before the first block is taken.
void prepare();

}  // namespace pool
}  // namespace halfwave
