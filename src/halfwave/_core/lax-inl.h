// Doubles in which a float is computed where a product and a sum do not round once: the error terms
// that a float's own accuracy is made of come from that. Compiled once for each instruction set.
//
// Doubles have digits to spare. So the lo of an Exact is `Lost`, which costs nothing, and some vectors
// go along abreast, since one alone would wait for itself. Both have the operations that the smooth
// pairs are written in, under the same names.

#if defined(HALFWAVE_LAX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef HALFWAVE_LAX_INL_H
#undef HALFWAVE_LAX_INL_H
#else
#define HALFWAVE_LAX_INL_H
#endif

#include <cstddef>
#include <type_traits>

#include "exact-inl.h"
#include "formats-inl.h"

HWY_BEFORE_NAMESPACE();
namespace halfwave {
namespace HWY_NAMESPACE {

#if !HWY_NATIVE_FMA

constexpr size_t kAbreast = 2;

// Vectors or masks.
template <class V>
struct Abreast {
  V each[kAbreast];
};

template <class D>
struct AbreastTag {
  using T = TFromD<D>;
  template <class U>
  using Rebind = AbreastTag<typename D::template Rebind<U>>;
};

template <class V>
struct TagOfVector<Abreast<V>> {
  using Tag = AbreastTag<DFromV<V>>;
};

template <class D>
constexpr size_t Lanes(AbreastTag<D>) { return kAbreast * MaxLanes(D()); }

// The same for each.
template <class D, class Number>
HWY_INLINE Abreast<Vec<D>> Set(AbreastTag<D>, Number number) {
  Abreast<Vec<D>> result;
  for (Vec<D>& each : result.each) each = Set(D(), static_cast<TFromD<D>>(number));
  return result;
}
template <class D>
HWY_INLINE Abreast<Vec<D>> Zero(AbreastTag<D> d) { return Set(d, 0); }
template <class D>
HWY_INLINE Abreast<Vec<D>> SignBit(AbreastTag<D>) {
  Abreast<Vec<D>> result;
  for (Vec<D>& each : result.each) each = SignBit(D());
  return result;
}

template <class D, class V>
HWY_INLINE auto BitCast(AbreastTag<D>, Abreast<V> v) {
  Abreast<Vec<D>> result;
  for (size_t i = 0; i < kAbreast; ++i) result.each[i] = BitCast(D(), v.each[i]);
  return result;
}
template <int kBits, class V>
HWY_INLINE auto ShiftLeft(Abreast<V> v) {
  for (V& each : v.each) each = ShiftLeft<kBits>(each);
  return v;
}
template <class D, class M>
HWY_INLINE bool AllTrue(AbreastTag<D>, Abreast<M> mask) {
  bool all = true;
  for (const M& each : mask.each) all = all && AllTrue(D(), each);
  return all;
}

// An operation on each.
template <class Operation, class V, class... More>
HWY_INLINE auto OnEach(Operation operation, Abreast<V> v, Abreast<More>... more) {
  Abreast<decltype(operation(v.each[0], more.each[0]...))> result;
  for (size_t i = 0; i < kAbreast; ++i) result.each[i] = operation(v.each[i], more.each[i]...);
  return result;
}
#define HALFWAVE_ON_EACH(Operation, ...) \
  OnEach([](auto... each) HWY_ATTR { return Operation(each...); }, __VA_ARGS__)
#define HALFWAVE_OF_ONE(Operation) \
  template <class V>               \
  HWY_INLINE auto Operation(Abreast<V> a) { return HALFWAVE_ON_EACH(Operation, a); }
#define HALFWAVE_OF_TWO(Operation) \
  template <class V>               \
  HWY_INLINE auto Operation(Abreast<V> a, Abreast<V> b) { return HALFWAVE_ON_EACH(Operation, a, b); }
#define HALFWAVE_OF_THREE(Operation)                                      \
  template <class V>                                                      \
  HWY_INLINE auto Operation(Abreast<V> a, Abreast<V> b, Abreast<V> c) {   \
    return HALFWAVE_ON_EACH(Operation, a, b, c);                          \
  }
HALFWAVE_OF_ONE(Sqrt)
HALFWAVE_OF_ONE(Neg)
HALFWAVE_OF_ONE(Abs)
HALFWAVE_OF_ONE(Not)
HALFWAVE_OF_ONE(IsNaN)
HALFWAVE_OF_TWO(Add)
HALFWAVE_OF_TWO(Sub)
HALFWAVE_OF_TWO(Mul)
HALFWAVE_OF_TWO(Div)
HALFWAVE_OF_TWO(Max)
HALFWAVE_OF_TWO(Min)
HALFWAVE_OF_TWO(AtLeast)
HALFWAVE_OF_TWO(AtMost)
HALFWAVE_OF_TWO(And)
HALFWAVE_OF_TWO(AndNot)
HALFWAVE_OF_TWO(Or)
HALFWAVE_OF_TWO(Xor)
HALFWAVE_OF_TWO(Eq)
HALFWAVE_OF_TWO(Lt)
HALFWAVE_OF_TWO(Le)
HALFWAVE_OF_TWO(Gt)
HALFWAVE_OF_TWO(Ge)
HALFWAVE_OF_THREE(MulAdd)
HALFWAVE_OF_THREE(MulSub)
HALFWAVE_OF_THREE(NegMulAdd)
HALFWAVE_OF_THREE(IfNegativeThenElse)
#undef HALFWAVE_OF_THREE
#undef HALFWAVE_OF_TWO
#undef HALFWAVE_OF_ONE

template <class M, class V>
HWY_INLINE auto IfThenElse(Abreast<M> mask, Abreast<V> yes, Abreast<V> no) {
  return HALFWAVE_ON_EACH(IfThenElse, mask, yes, no);
}
template <class M, class V>
HWY_INLINE auto IfThenElseZero(Abreast<M> mask, Abreast<V> yes) {
  return HALFWAVE_ON_EACH(IfThenElseZero, mask, yes);
}
template <class M, class V>
HWY_INLINE auto IfThenZeroElse(Abreast<M> mask, Abreast<V> no) {
  return HALFWAVE_ON_EACH(IfThenZeroElse, mask, no);
}
#undef HALFWAVE_ON_EACH

// What a rounding loses, which is not kept: 0 in every sum and product.
struct Lost {
  Lost() = default;
  template <class V>
  HWY_INLINE Lost(Abreast<V>) {}  // NOLINT: an Exact is made of a number and a zero
};

template <class V>
struct Exact<Abreast<V>> {
  Abreast<V> hi;
  Lost lo;
};

HWY_INLINE Lost Neg(Lost) { return {}; }
HWY_INLINE Lost Add(Lost, Lost) { return {}; }
HWY_INLINE Lost Sub(Lost, Lost) { return {}; }
template <class V>
HWY_INLINE Abreast<V> Add(Abreast<V> a, Lost) { return a; }
template <class V>
HWY_INLINE Abreast<V> Add(Lost, Abreast<V> b) { return b; }
template <class V>
HWY_INLINE Abreast<V> Sub(Abreast<V> a, Lost) { return a; }
template <class V>
HWY_INLINE Lost Mul(Lost, Abreast<V>) { return {}; }
template <class V>
HWY_INLINE Lost Mul(Abreast<V>, Lost) { return {}; }
template <class V>
HWY_INLINE Lost Div(Lost, Abreast<V>) { return {}; }
template <class V>
HWY_INLINE Lost Xor(Lost, Abreast<V>) { return {}; }
template <class V>
HWY_INLINE Lost MulAdd(Lost, Abreast<V>, Lost) { return {}; }
template <class V>
HWY_INLINE Lost MulAdd(Abreast<V>, Lost, Lost) { return {}; }
template <class V>
HWY_INLINE Abreast<V> MulAdd(Lost, Abreast<V>, Abreast<V> c) { return c; }
template <class V>
HWY_INLINE Abreast<V> MulAdd(Abreast<V> a, Abreast<V> b, Lost) { return Mul(a, b); }
template <class V>
HWY_INLINE Lost NegMulAdd(Lost, Abreast<V>, Lost) { return {}; }
template <class V>
HWY_INLINE Abreast<V> NegMulAdd(Abreast<V> a, Abreast<V> b, Lost) { return Neg(Mul(a, b)); }
template <class M>
HWY_INLINE Lost IfThenElse(Abreast<M>, Lost, Lost) { return {}; }
template <class M>
HWY_INLINE Lost IfThenElseZero(Abreast<M>, Lost) { return {}; }
template <class M>
HWY_INLINE Lost IfThenZeroElse(Abreast<M>, Lost) { return {}; }

// The same as in exact-inl.h, without what is lost.
template <class V>
HWY_INLINE Exact<Abreast<V>> Unrounded(Abreast<V> hi, Abreast<V> lo) { return {Add(hi, lo), {}}; }
template <class V>
HWY_INLINE Exact<Abreast<V>> TwoSum(Abreast<V> a, Abreast<V> b) { return {Add(a, b), {}}; }
template <class V>
HWY_INLINE Exact<Abreast<V>> FastTwoSum(Abreast<V> a, Abreast<V> b) { return {Add(a, b), {}}; }
template <class V>
HWY_INLINE Exact<Abreast<V>> FastTwoSum(Abreast<V> a, Lost) { return {a, {}}; }
template <class V>
HWY_INLINE Exact<Abreast<V>> TwoProduct(Abreast<V> a, Abreast<V> b) { return {Mul(a, b), {}}; }
template <class V>
HWY_INLINE Lost Remainder(Abreast<V>, Abreast<V>, Abreast<V>) { return {}; }
template <class V>
HWY_INLINE Exact<Abreast<V>> Product(Exact<Abreast<V>> a, Abreast<V> b) { return {Mul(a.hi, b), {}}; }
template <class V>
HWY_INLINE Exact<Abreast<V>> Product(Exact<Abreast<V>> a, Exact<Abreast<V>> b) {
  return {Mul(a.hi, b.hi), {}};
}
template <class V>
HWY_INLINE Abreast<V> Quotient(Exact<Abreast<V>> a, Exact<Abreast<V>> b) { return Div(a.hi, b.hi); }

// A float that is computed in them.
struct FloatInDouble {
  using Stored = float;
  using One = WidestTag<double>;
  using Narrow = Rebind<float, One>;
  using D = AbreastTag<One>;
  using V = Abreast<Vec<One>>;

  static HWY_INLINE V Load(const float* p) {
    V v;
    for (size_t i = 0; i < kAbreast; ++i) {
      v.each[i] = PromoteTo(One(), LoadU(Narrow(), p + i * MaxLanes(One())));
    }
    return v;
  }
  static HWY_INLINE V Broadcast(const float* p) { return Set(D(), *p); }
  static HWY_INLINE void Store(V v, float* p) {
    for (size_t i = 0; i < kAbreast; ++i) {
      StoreU(Narrowed(v.each[i]), Narrow(), p + i * MaxLanes(One()));
    }
  }
  // These instruction sets take longer to compute a float than the memory to take it.
  static HWY_INLINE void Stream(V v, float* p) { Store(v, p); }

  // DemoteTo takes infinity for the largest float where lanes are computed one by one.
  static HWY_INLINE Vec<Narrow> Narrowed(Vec<One> v) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
    alignas(16) double wide[MaxLanes(One())];
    alignas(16) float narrow[MaxLanes(One())];
    hwy::HWY_NAMESPACE::Store(v, One(), wide);
    for (size_t i = 0; i < MaxLanes(One()); ++i) narrow[i] = static_cast<float>(wide[i]);
    return LoadU(Narrow(), narrow);
#else
    return DemoteTo(Narrow(), v);
#endif
  }
};

// The slope by which a gradient is multiplied has the bits of the derivative.
template <class V>
HWY_INLINE Abreast<V> AsStored(Abreast<V> v) {
  for (V& each : v.each) each = PromoteTo(FloatInDouble::One(), FloatInDouble::Narrowed(each));
  return v;
}

// What a pair computes floats in.
template <class Pair>
using FloatOf = std::conditional_t<Pair::keeps_bits, Plain<float>, FloatInDouble>;

#else

template <class Pair>
using FloatOf = Plain<float>;

#endif  // HWY_NATIVE_FMA

}  // namespace HWY_NAMESPACE
}  // namespace halfwave
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
