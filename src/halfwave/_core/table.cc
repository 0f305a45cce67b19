#include "table.h"

#include <cstring>

namespace halfwave {

std::vector<Pair*>& pairs() {
  static std::vector<Pair*> all;
  return all;
}

const Pair* find_pair(const char* name) {
  for (const Pair* pair : pairs()) {
    if (std::strcmp(pair->name, name) == 0) return pair;
  }
  return nullptr;
}

}  // namespace halfwave
