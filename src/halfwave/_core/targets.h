// Which instruction sets this build and this machine have, and which one is in use.
#pragma once

#include <string>
#include <vector>

namespace halfwave {

// By Highway's names, the best first.
const std::vector<std::string>& targets();

// The one in use.
const std::string& target();

// Uses another one of targets(), for every activation; false if there is none of that name.
bool use_target(const std::string& name);

// Uses the best one.
void use_best_target();

}  // namespace halfwave
