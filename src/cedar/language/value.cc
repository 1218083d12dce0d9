// Values: order, equality, and how they are written as Cedar source and as JSON.
#include "cedar/value.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "cedar/language/ext.h"
#include "cedar/language/hash.h"
#include "cedar/language/lexer.h"

namespace remit::cedar {
namespace {

std::unexpected<Error> BadUid(std::string_view text) {
  return Fail(Code::kInvalidArgument, "bad-entity-uid", fmt::format("`{}` is not an entity uid", text), "write it as `Type::\"id\"`");
}

// __extn with one argument for what its constructor reads; a datetime beyond year 9999 is an offset from the epoch.
json::Value ExtensionJson(std::string_view function, std::string argument) {
  return json::Object{{"__extn", json::Object{{"fn", function}, {"arg", std::move(argument)}}}};
}

json::Value DatetimeJson(Datetime time) {
  if (auto text = IsoText(time)) return ExtensionJson("datetime", std::move(*text));
  json::Array arguments{ExtensionJson("datetime", "1970-01-01"), ExtensionJson("duration", ToText(DurationValue{time.millis}))};
  return json::Object{{"__extn", json::Object{{"fn", "offset"}, {"args", std::move(arguments)}}}};
}

std::string DatetimeSource(Datetime time) {
  if (auto text = IsoText(time)) return fmt::format("datetime(\"{}\")", *text);
  return fmt::format("datetime(\"1970-01-01\").offset(duration(\"{}\"))", ToText(DurationValue{time.millis}));
}

std::strong_ordering CompareSets(const std::vector<Value>& a, const std::vector<Value>& b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

std::strong_ordering CompareRecords(const Record& a, const Record& b) {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) -> std::strong_ordering {
    if (auto order = x.first <=> y.first; order != 0) return order;
    return x.second <=> y.second;
  });
}

}  // namespace

std::string EntityUid::ToString() const { return type + "::" + Quote(id); }

Result<EntityUid> EntityUid::Parse(std::string_view text) {
  auto tokens = TokenStream::Read(text, "");
  if (!tokens) return BadUid(text);
  EntityUid uid;
  std::size_t length = 0;  // of the tokens: nothing may stand between them
  for (;;) {
    const Token& token = tokens->Next();
    length += token.text.size() + 2;
    if (token.kind == TokenKind::kString && !uid.type.empty()) {
      auto id = tokens->Unquote(token);
      if (!id || !tokens->AtEnd() || length - 2 != text.size()) return BadUid(text);
      uid.id = std::move(*id);
      return uid;
    }
    if (token.kind != TokenKind::kIdentifier || IsReserved(token.text) || !tokens->Accept("::")) return BadUid(text);
    if (!uid.type.empty()) uid.type += "::";
    uid.type += token.text;
  }
}

std::size_t EntityUidHash::operator()(const EntityUid& uid) const { return HashUid(uid); }

Value::Value(std::string s) : data_(std::make_shared<const std::string>(std::move(s))) {}
Value::Value(const char* s) : Value(std::string(s)) {}
Value::Value(EntityUid uid) : data_(std::make_shared<const EntityUid>(std::move(uid))) {}
Value::Value(std::shared_ptr<const EntityUid> uid) : data_(std::move(uid)) { REMIT_CHECK(std::get<3>(data_) != nullptr); }

Value Value::Set(std::vector<Value> members) {
  std::ranges::sort(members, [](const Value& a, const Value& b) { return a < b; });
  members.erase(std::unique(members.begin(), members.end()), members.end());
  Value value;
  value.data_ = std::make_shared<const std::vector<Value>>(std::move(members));
  return value;
}

Value Value::FromRecord(Record fields) {
  Value value;
  value.data_ = std::make_shared<const Record>(std::move(fields));
  return value;
}

std::strong_ordering Value::operator<=>(const Value& other) const {
  if (kind() != other.kind()) return kind() <=> other.kind();
  switch (kind()) {
    case Kind::kBool: return AsBool() <=> other.AsBool();
    case Kind::kLong: return AsLong() <=> other.AsLong();
    case Kind::kString: return AsString() <=> other.AsString();
    case Kind::kEntity: return &AsEntity() == &other.AsEntity() ? std::strong_ordering::equal : AsEntity() <=> other.AsEntity();
    case Kind::kSet: return &AsSet() == &other.AsSet() ? std::strong_ordering::equal : CompareSets(AsSet(), other.AsSet());
    case Kind::kRecord: return &AsRecord() == &other.AsRecord() ? std::strong_ordering::equal : CompareRecords(AsRecord(), other.AsRecord());
    case Kind::kDecimal: return AsDecimal() <=> other.AsDecimal();
    case Kind::kDatetime: return AsDatetime() <=> other.AsDatetime();
    case Kind::kDuration: return AsDuration() <=> other.AsDuration();
    case Kind::kIpAddr: return AsIpAddr() <=> other.AsIpAddr();
  }
  Panic("value of no kind", __FILE__, __LINE__);
}

std::string Value::ToString() const {
  switch (kind()) {
    case Kind::kBool: return AsBool() ? "true" : "false";
    case Kind::kLong: return fmt::format("{}", AsLong());
    case Kind::kString: return Quote(AsString());
    case Kind::kEntity: return AsEntity().ToString();
    case Kind::kSet: {
      std::string out = "[";
      for (const Value& member : AsSet()) out += (out.size() > 1 ? ", " : "") + member.ToString();
      return out + "]";
    }
    case Kind::kRecord: {
      std::string out = "{";
      for (const auto& [name, field] : AsRecord()) out += fmt::format("{}{}: {}", out.size() > 1 ? ", " : "", Quote(name), field.ToString());
      return out + "}";
    }
    case Kind::kDecimal: return fmt::format("decimal(\"{}\")", ToText(AsDecimal()));
    case Kind::kDatetime: return DatetimeSource(AsDatetime());
    case Kind::kDuration: return fmt::format("duration(\"{}\")", ToText(AsDuration()));
    case Kind::kIpAddr: return fmt::format("ip(\"{}\")", ToText(AsIpAddr()));
  }
  Panic("value of no kind", __FILE__, __LINE__);
}

json::Value Value::ToJson() const {
  switch (kind()) {
    case Kind::kBool: return AsBool();
    case Kind::kLong: return AsLong();
    case Kind::kString: return AsString();
    case Kind::kEntity: return json::Object{{"__entity", json::Object{{"type", AsEntity().type}, {"id", AsEntity().id}}}};
    case Kind::kSet: {
      json::Array out;
      for (const Value& member : AsSet()) out.push_back(member.ToJson());
      return out;
    }
    case Kind::kRecord: {
      json::Object out;
      for (const auto& [name, field] : AsRecord()) out.Append(name, field.ToJson());
      return out;
    }
    case Kind::kDecimal: return ExtensionJson("decimal", ToText(AsDecimal()));
    case Kind::kDatetime: return DatetimeJson(AsDatetime());
    case Kind::kDuration: return ExtensionJson("duration", ToText(AsDuration()));
    case Kind::kIpAddr: return ExtensionJson("ip", ToText(AsIpAddr()));
  }
  Panic("value of no kind", __FILE__, __LINE__);
}

std::string_view KindName(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kBool: return "bool";
    case Value::Kind::kLong: return "long";
    case Value::Kind::kString: return "string";
    case Value::Kind::kEntity: return "entity";
    case Value::Kind::kSet: return "set";
    case Value::Kind::kRecord: return "record";
    case Value::Kind::kDecimal: return "decimal";
    case Value::Kind::kDatetime: return "datetime";
    case Value::Kind::kDuration: return "duration";
    case Value::Kind::kIpAddr: return "ipaddr";
  }
  Panic("value of no kind", __FILE__, __LINE__);
}

}  // namespace remit::cedar
