// What an expression comes to while a decision is made: sixteen bytes that point to what lives elsewhere, in an entity, a request or a
// compiled policy. Entities of a store are known by their number there, so that most questions compare numbers.
#pragma once

#include <cstdint>

#include "cedar/value.h"

namespace remit::cedar {

// Numbers of entities that are none.
inline constexpr std::uint32_t kNotLookedUp = 0xFFFF'FFFF;  // nobody asked the store yet
inline constexpr std::uint32_t kNowhere = 0xFFFF'FFFE;      // the store does not name it, or has no numbers

struct Datum {
  enum class Tag : std::uint8_t {
    kBool,
    kLong,
    kString,
    kEntity,
    kSet,
    kRecord,
    kDecimal,
    kDatetime,
    kDuration,
    kIpAddr,
    kFailed
  };  // as Value::Kind, which is cast to it
  static_assert(static_cast<int>(Tag::kBool) == static_cast<int>(Value::Kind::kBool) &&
                static_cast<int>(Tag::kIpAddr) == static_cast<int>(Value::Kind::kIpAddr));
  // Of sets of entities only: where their numbers, or their hashes, stand.
  enum class Members : std::uint8_t { kPlain, kNumbered, kHashed };

  Tag tag = Tag::kFailed;
  Members members = Members::kPlain;
  std::uint32_t number = 0;  // kEntity: of the node; kSet: of its list of members, if not kPlain
  union {
    bool truth;
    std::int64_t number64;         // kLong, kDecimal, kDatetime, kDuration
    const EntityUid* uid;          // kEntity
    const Value* value = nullptr;  // the rest
  };

  static Datum Failed() { return {}; }
  static Datum Bool(bool truth) {
    Datum datum;
    datum.tag = Tag::kBool, datum.truth = truth;
    return datum;
  }
  static Datum Number(Tag tag, std::int64_t number) {
    Datum datum;
    datum.tag = tag, datum.number64 = number;
    return datum;
  }
  static Datum EntityOf(const EntityUid& uid, std::uint32_t number) {
    Datum datum;
    datum.tag = Tag::kEntity, datum.number = number, datum.uid = &uid;
    return datum;
  }
  // `value` must outlive the datum.
  static Datum Of(const Value& value);

  bool Is(Tag other) const { return tag == other; }
  bool IsFailed() const { return tag == Tag::kFailed; }
};

static_assert(sizeof(Datum) == 16 && std::is_trivially_copyable_v<Datum>);

inline Datum Datum::Of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kBool: return Bool(value.AsBool());
    case Value::Kind::kLong: return Number(Tag::kLong, value.AsLong());
    case Value::Kind::kEntity: return EntityOf(value.AsEntity(), kNotLookedUp);
    case Value::Kind::kDecimal: return Number(Tag::kDecimal, value.AsDecimal().ten_thousandths);
    case Value::Kind::kDatetime: return Number(Tag::kDatetime, value.AsDatetime().millis);
    case Value::Kind::kDuration: return Number(Tag::kDuration, value.AsDuration().millis);
    default: {
      Datum datum;
      datum.tag = static_cast<Tag>(value.kind()), datum.value = &value;
      return datum;
    }
  }
}

}  // namespace remit::cedar
