// Sharing of terms, and the kinds of types that reasoning differs for.
#include "cedar/analyze/term.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace remit::cedar::analyze {

using Kind = StaticType::Kind;

TermId Terms::Add(const std::string& key, Term term) {
  const auto [found, is_new] = known_.emplace(key, size());
  if (is_new) terms_.push_back(std::move(term));
  return found->second;
}

TermId Terms::Of(const Value& value) {
  return Add(fmt::format("v{}:{}", static_cast<int>(value.kind()), value.ToString()), {Term::Op::kValue, TypeOfValue(value), "", {}, value});
}

TermId Terms::Root(const std::string& name, StaticTypePtr type) { return Add("r" + name, {Term::Op::kRoot, std::move(type), name, {}, {}}); }

TermId Terms::Attr(TermId base, const std::string& name, StaticTypePtr type) {
  return Add(fmt::format("a{}.{}", base, name), {Term::Op::kAttr, std::move(type), name, {base}, {}});
}

TermId Terms::Tag(TermId entity, TermId tag, StaticTypePtr type) {
  return Add(fmt::format("t{}#{}", entity, tag), {Term::Op::kTag, std::move(type), "", {entity, tag}, {}});
}

TermId Terms::Opaque(const std::string& name, std::vector<TermId> args, StaticTypePtr type) {
  std::string key = fmt::format("f{}({})", name, fmt::join(args, ","));
  return Add(key, {Term::Op::kOpaque, std::move(type), name, std::move(args), {}});
}

TermId Terms::Witness(const std::string& name, StaticTypePtr type) { return Add("w" + name, {Term::Op::kWitness, std::move(type), name, {}, {}}); }

bool IsEntity(const StaticType& type) { return type.kind == Kind::kEntity; }
bool IsRecord(const StaticType& type) { return type.kind == Kind::kRecord; }
bool IsSet(const StaticType& type) { return type.kind == Kind::kSet; }
bool IsString(const StaticType& type) { return type.kind == Kind::kString; }
bool IsIp(const StaticType& type) { return type.kind == Kind::kExtension && type.name == "ipaddr"; }
bool IsNumber(const StaticType& type) { return type.kind == Kind::kLong || (type.kind == Kind::kExtension && type.name != "ipaddr"); }

std::int64_t NumberOf(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kDecimal: return value.AsDecimal().ten_thousandths;
    case Value::Kind::kDatetime: return value.AsDatetime().millis;
    case Value::Kind::kDuration: return value.AsDuration().millis;
    default: return value.AsLong();
  }
}

Value ValueOfNumber(std::int64_t number, const StaticType& type) {
  if (type.kind == Kind::kLong) return Value(number);
  if (type.name == "decimal") return Value(Decimal{number});
  if (type.name == "datetime") return Value(Datetime{number});
  return Value(DurationValue{number});
}

}  // namespace remit::cedar::analyze
