#include "numbers.h"

#include <cmath>
#include <cstdint>

namespace halfwave {
namespace {

// Rounds to nearest, ties to even, into a format of 16 bits whose smallest normal number is
// 2^min_exponent. The number is counted in units of its last place; adding that count to the exponent
// field carries where rounding reaches the next power of two, and into infinity at the top.
uint16_t narrow(double value, int fraction_bits, int min_exponent) {
  const int infinity = ((1 << (15 - fraction_bits)) - 1) << fraction_bits;
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return sign | infinity | (1 << (fraction_bits - 1));
  if (std::isinf(value)) return sign | infinity;
  if (value == 0) return sign;
  int exponent;
  std::frexp(magnitude, &exponent);  // magnitude is in [2^(exponent - 1), 2^exponent)
  if (--exponent < min_exponent) exponent = min_exponent;
  const double units = std::nearbyint(std::ldexp(magnitude, fraction_bits - exponent));
  const int bits = ((exponent - min_exponent) << fraction_bits) + static_cast<int>(units);
  return sign | static_cast<uint16_t>(bits < infinity ? bits : infinity);
}

}  // namespace

bool convert(double value, Type type, void* element) {
  switch (type) {
    case kFloat16: *static_cast<uint16_t*>(element) = narrow(value, 10, -14); return true;
    // ml_dtypes goes by way of float, and so does this, bit for bit.
    case kBFloat16:
      *static_cast<uint16_t*>(element) = narrow(static_cast<float>(value), 7, -126);
      return true;
    case kFloat32: *static_cast<float*>(element) = static_cast<float>(value); return true;
    case kFloat64: *static_cast<double*>(element) = value; return true;
    case kLongDouble: *static_cast<long double*>(element) = value; return true;
    default: return false;
  }
}

}  // namespace halfwave
