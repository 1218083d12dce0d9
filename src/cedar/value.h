// Values of the language: what expressions evaluate to and what entities hold as attributes. Immutable; copies share their content.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace remit::cedar {

// The unique id of an entity: `Ns::Type::"id"`. `type` is the fully qualified name, `id` the unescaped text.
struct EntityUid {
  std::string type;
  std::string id;

  std::string ToString() const;  // Ns::Type::"id" with Cedar's escapes
  auto operator<=>(const EntityUid&) const = default;

  // Reads `Ns::Type::"id"`. Errors: `bad-entity-uid`.
  static Result<EntityUid> Parse(std::string_view text);
};

struct EntityUidHash {
  std::size_t operator()(const EntityUid& uid) const;
};

class Value;
using Record = std::map<std::string, Value, std::less<>>;

// Extension values. Each is held in the canonical form that equality is defined on.
struct Decimal {  // four digits after the point
  std::int64_t ten_thousandths = 0;
  auto operator<=>(const Decimal&) const = default;
};
struct Datetime {  // milliseconds since 1970-01-01T00:00:00Z
  std::int64_t millis = 0;
  auto operator<=>(const Datetime&) const = default;
};
struct DurationValue {  // milliseconds
  std::int64_t millis = 0;
  auto operator<=>(const DurationValue&) const = default;
};
struct IpAddr {  // an address or a range; IPv4 uses the first four bytes
  bool v6 = false;
  std::uint8_t prefix = 32;
  std::uint8_t bytes[16] = {};
  auto operator<=>(const IpAddr&) const = default;
};

class Value {
 public:
  enum class Kind { kBool, kLong, kString, kEntity, kSet, kRecord, kDecimal, kDatetime, kDuration, kIpAddr };

  Value() : Value(false) {}
  Value(bool b) : data_(b) {}  // NOLINT: implicit on purpose, as for the rest
  Value(std::int64_t n) : data_(n) {}
  Value(int n) : data_(static_cast<std::int64_t>(n)) {}
  Value(std::string s);
  Value(const char* s);
  Value(EntityUid uid);
  explicit Value(std::shared_ptr<const EntityUid> uid);  // shares; not null
  Value(Decimal d) : data_(d) {}
  Value(Datetime d) : data_(d) {}
  Value(DurationValue d) : data_(d) {}
  Value(IpAddr ip) : data_(ip) {}
  static Value Set(std::vector<Value> members);  // sorted, duplicates removed
  static Value FromRecord(Record fields);

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool Is(Kind k) const { return kind() == k; }
  bool AsBool() const;  // each REMIT_CHECKs its kind
  std::int64_t AsLong() const;
  const std::string& AsString() const;
  const EntityUid& AsEntity() const;
  const std::vector<Value>& AsSet() const;
  const Record& AsRecord() const;
  Decimal AsDecimal() const;
  Datetime AsDatetime() const;
  DurationValue AsDuration() const;
  const IpAddr& AsIpAddr() const;

  // A total order over all values (kinds first), consistent with Cedar's `==`.
  std::strong_ordering operator<=>(const Value& other) const;
  bool operator==(const Value& other) const { return (*this <=> other) == 0; }

  std::string ToString() const;  // as a Cedar expression
  json::Value ToJson() const;    // as in Cedar's entities JSON (`__entity`, `__extn`)

 private:
  std::variant<bool, std::int64_t, std::shared_ptr<const std::string>, std::shared_ptr<const EntityUid>, std::shared_ptr<const std::vector<Value>>,
               std::shared_ptr<const Record>, Decimal, Datetime, DurationValue, IpAddr>
      data_;
};

// Each accessor's index is that of its kind: the variant's alternatives stand in the order of Kind.
inline bool Value::AsBool() const { return REMIT_CHECK(Is(Kind::kBool)), *std::get_if<0>(&data_); }
inline std::int64_t Value::AsLong() const { return REMIT_CHECK(Is(Kind::kLong)), *std::get_if<1>(&data_); }
inline const std::string& Value::AsString() const { return REMIT_CHECK(Is(Kind::kString)), **std::get_if<2>(&data_); }
inline const EntityUid& Value::AsEntity() const { return REMIT_CHECK(Is(Kind::kEntity)), **std::get_if<3>(&data_); }
inline const std::vector<Value>& Value::AsSet() const { return REMIT_CHECK(Is(Kind::kSet)), **std::get_if<4>(&data_); }
inline const Record& Value::AsRecord() const { return REMIT_CHECK(Is(Kind::kRecord)), **std::get_if<5>(&data_); }
inline Decimal Value::AsDecimal() const { return REMIT_CHECK(Is(Kind::kDecimal)), *std::get_if<6>(&data_); }
inline Datetime Value::AsDatetime() const { return REMIT_CHECK(Is(Kind::kDatetime)), *std::get_if<7>(&data_); }
inline DurationValue Value::AsDuration() const { return REMIT_CHECK(Is(Kind::kDuration)), *std::get_if<8>(&data_); }
inline const IpAddr& Value::AsIpAddr() const { return REMIT_CHECK(Is(Kind::kIpAddr)), *std::get_if<9>(&data_); }

std::string_view KindName(Value::Kind kind);  // "bool", "long", "string", "entity", "set", "record", "decimal", …

// Cedar's string escapes: quotes `text` as a Cedar string literal.
std::string Quote(std::string_view text);

}  // namespace remit::cedar
