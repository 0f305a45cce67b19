// The loops that put another slope where x is at a kink.
#pragma once

#include "table.h"

namespace halfwave {

// The one for elements of this type, on the instruction set in use.
Loop replace_loop(Type type);

}  // namespace halfwave
