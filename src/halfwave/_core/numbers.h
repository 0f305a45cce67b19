// Python numbers as elements of an array.
#pragma once

#include "table.h"

namespace halfwave {

// Writes `value` as an element of `type`, rounded as NumPy and ml_dtypes round a Python float. False
// for integers: a float does not convert to them silently.
bool convert(double value, Type type, void* element);

}  // namespace halfwave
