#include "targets.h"

#include "hwy/highway.h"
#include "table.h"

namespace halfwave {
namespace {

std::string current;

// Found once, before any choice narrows what Highway reports.
const std::vector<int64_t>& available() {
  static const std::vector<int64_t> all = hwy::SupportedAndGeneratedTargets();
  return all;
}

}  // namespace

const std::vector<std::string>& targets() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> names;
    for (const int64_t target : available()) names.push_back(hwy::TargetName(target));
    return names;
  }();
  return names;
}

const std::string& target() { return current; }

bool use_target(const std::string& name) {
  for (const int64_t target : available()) {
    if (name != hwy::TargetName(target)) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    for (Pair* pair : pairs()) pair->use_current_target();
    current = name;
    return true;
  }
  return false;
}

void use_best_target() { use_target(targets().front()); }

}  // namespace halfwave
