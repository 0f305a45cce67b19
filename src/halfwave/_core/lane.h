// A vector of one lane, for the types that Highway has no vectors of: long double, and integers of
// every width. It offers the operations that the pairs are written in, under the same names, so that
// `value` and `derivative` are written once. The compiler vectorises the integer loops by itself.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace halfwave {
namespace lane {

template <class E>
struct Tag {
  using T = E;
};

template <class E>
struct Lane {
  E value;
};

struct Mask {
  bool set;
};

template <class E>
constexpr size_t Lanes(Tag<E>) { return 1; }

template <class E, class Number>
Lane<E> Set(Tag<E>, Number value) { return {static_cast<E>(value)}; }
template <class E>
Lane<E> Zero(Tag<E>) { return {E(0)}; }

template <class E>
Lane<E> Mul(Lane<E> a, Lane<E> b) { return {static_cast<E>(a.value * b.value)}; }
template <class E>
Lane<E> Sub(Lane<E> a, Lane<E> b) { return {static_cast<E>(a.value - b.value)}; }
template <class E>
Lane<E> Div(Lane<E> a, Lane<E> b) { return {static_cast<E>(a.value / b.value)}; }
template <class E>
Lane<E> FusedMulAdd(Lane<E> a, Lane<E> b, Lane<E> c) { return {std::fma(a.value, b.value, c.value)}; }
template <class E>
Lane<E> Neg(Lane<E> a) { return {static_cast<E>(-a.value)}; }
template <class E>
Lane<E> Abs(Lane<E> a) { return a.value < 0 ? Neg(a) : a; }
template <class E>
Lane<E> Max(Lane<E> a, Lane<E> b) { return {a.value > b.value ? a.value : b.value}; }

template <class E>
Mask Eq(Lane<E> a, Lane<E> b) { return {a.value == b.value}; }
template <class E>
Mask Lt(Lane<E> a, Lane<E> b) { return {a.value < b.value}; }
template <class E>
Mask Le(Lane<E> a, Lane<E> b) { return {a.value <= b.value}; }
template <class E>
Mask Ge(Lane<E> a, Lane<E> b) { return {a.value >= b.value}; }
template <class E>
Mask IsNaN(Lane<E> a) { return {a.value != a.value}; }

inline Mask Not(Mask mask) { return {!mask.set}; }
inline Mask Or(Mask a, Mask b) { return {a.set || b.set}; }

template <class E>
Lane<E> IfThenElse(Mask mask, Lane<E> yes, Lane<E> no) { return mask.set ? yes : no; }
template <class E>
Lane<E> IfThenZeroElse(Mask mask, Lane<E> no) { return mask.set ? Lane<E>{E(0)} : no; }

template <class E>
size_t StoreMaskBits(Tag<E>, Mask mask, uint8_t* bits) {
  *bits = mask.set;
  return 1;
}
template <class E>
Mask LoadMaskBits(Tag<E>, const uint8_t* bits) { return {(*bits & 1) != 0}; }

}  // namespace lane
}  // namespace halfwave
