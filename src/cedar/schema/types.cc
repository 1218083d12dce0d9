// Construction, joining and naming of static types.
#include "cedar/schema/types.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "cedar/language/lexer.h"
#include "cedar/language/shown.h"

namespace remit::cedar {
namespace {

using Kind = StaticType::Kind;

StaticTypePtr Make(Kind kind, std::string name = {}) {
  auto type = std::make_shared<StaticType>();
  type->kind = kind;
  type->name = std::move(name);
  return type;
}

void Explain(std::string* why, std::string_view text) {
  if (why != nullptr && why->empty()) *why = text;
}

bool SameNames(const StaticType& a, const StaticType& b) {
  return std::ranges::equal(
      a.attributes, b.attributes, {}, [](const auto& entry) { return std::string_view(entry.first); },
      [](const auto& entry) { return std::string_view(entry.first); });
}

StaticTypePtr JoinRecordsStrictly(const StaticType& a, const StaticType& b, std::string* why) {
  auto joined = std::make_shared<StaticType>();
  joined->kind = Kind::kRecord;
  if (!SameNames(a, b)) {
    Explain(why, "records must have the same attributes");
    return nullptr;
  }
  for (const auto& [name, attribute] : a.attributes) {
    const StaticType::Attribute& other = b.attributes.find(name)->second;
    if (other.required != attribute.required) {
      Explain(why, fmt::format("attribute `{}` is optional in one record and required in the other", name));
      return nullptr;
    }
    StaticTypePtr type = Join(attribute.type, other.type, why);
    if (type == nullptr) return nullptr;
    joined->attributes[name] = {std::move(type), attribute.required};
  }
  return joined;
}

// What is only in one of them, or of another type there, may or may not be in a value of both.
StaticTypePtr JoinRecordsPermissively(const StaticType& a, const StaticType& b) {
  auto joined = std::make_shared<StaticType>();
  joined->kind = Kind::kRecord;
  for (const auto& [name, attribute] : a.attributes) {
    const auto other = b.attributes.find(name);
    if (other == b.attributes.end()) continue;
    StaticTypePtr type = Join(attribute.type, other->second.type, nullptr, ValidationMode::kPermissive);
    if (type != nullptr) joined->attributes[name] = {std::move(type), attribute.required && other->second.required};
  }
  joined->open = a.open || b.open || !SameNames(*joined, a) || !SameNames(*joined, b);
  return joined;
}

StaticTypePtr JoinEntities(const StaticType& a, const StaticType& b) {
  std::vector<std::string> types = a.EntityTypes();
  std::ranges::move(b.EntityTypes(), std::back_inserter(types));
  std::ranges::sort(types);
  types.erase(std::unique(types.begin(), types.end()), types.end());
  auto joined = std::make_shared<StaticType>();
  joined->kind = Kind::kEntity;
  joined->name = types.front();
  joined->others.assign(std::make_move_iterator(types.begin() + 1), std::make_move_iterator(types.end()));
  return joined;
}

bool IsSubrecord(const StaticType& a, const StaticType& b, ValidationMode mode) {
  const bool strict = mode == ValidationMode::kStrict;
  if (a.open && !b.open) return false;
  if (!SameNames(a, b) && (strict || !b.open)) return false;
  return std::ranges::all_of(b.attributes, [&](const auto& entry) {
    const auto own = a.attributes.find(entry.first);
    if (own == a.attributes.end()) return false;
    const bool required = own->second.required, wanted = entry.second.required;
    return (strict ? required == wanted : required || !wanted) && IsSubtype(*own->second.type, *entry.second.type, mode);
  });
}

}  // namespace

StaticTypePtr BoolType() {
  static const StaticTypePtr type = Make(Kind::kBool);
  return type;
}

StaticTypePtr KnownBool(bool value) {
  static const StaticTypePtr yes = Make(Kind::kTrue), no = Make(Kind::kFalse);
  return value ? yes : no;
}

StaticTypePtr LongType() {
  static const StaticTypePtr type = Make(Kind::kLong);
  return type;
}

StaticTypePtr StringType() {
  static const StaticTypePtr type = Make(Kind::kString);
  return type;
}

StaticTypePtr NeverType() {
  static const StaticTypePtr type = Make(Kind::kNever);
  return type;
}

StaticTypePtr EntityTypeNamed(std::string name) { return Make(Kind::kEntity, std::move(name)); }
StaticTypePtr ExtensionTypeNamed(std::string name) { return Make(Kind::kExtension, std::move(name)); }

StaticTypePtr SetOf(StaticTypePtr element) {
  auto type = std::make_shared<StaticType>();
  type->kind = Kind::kSet;
  type->element = std::move(element);
  return type;
}

StaticTypePtr TypeOfKind(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kBool: return BoolType();
    case Value::Kind::kLong: return LongType();
    case Value::Kind::kString: return StringType();
    case Value::Kind::kDecimal: return ExtensionTypeNamed("decimal");
    case Value::Kind::kDatetime: return ExtensionTypeNamed("datetime");
    case Value::Kind::kDuration: return ExtensionTypeNamed("duration");
    case Value::Kind::kIpAddr: return ExtensionTypeNamed("ipaddr");
    case Value::Kind::kEntity:
    case Value::Kind::kSet:
    case Value::Kind::kRecord: break;  // no extension function takes or gives these
  }
  Panic("no extension function has this type", __FILE__, __LINE__);
}

StaticTypePtr TypeOfValue(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kBool: return KnownBool(value.AsBool());
    case Value::Kind::kEntity: return EntityTypeNamed(value.AsEntity().type);
    case Value::Kind::kSet: {
      StaticTypePtr element;
      for (const Value& member : value.AsSet()) {
        StaticTypePtr type = TypeOfValue(member);
        element = type == nullptr || element == nullptr ? type : Join(element, type);
        if (element == nullptr) return nullptr;
      }
      return element == nullptr ? nullptr : SetOf(std::move(element));
    }
    case Value::Kind::kRecord: {
      auto record = std::make_shared<StaticType>();
      record->kind = Kind::kRecord;
      for (const auto& [name, field] : value.AsRecord()) {
        StaticTypePtr type = TypeOfValue(field);
        if (type == nullptr) return nullptr;
        record->attributes[name] = {std::move(type), true};
      }
      return record;
    }
    default: return TypeOfKind(value.kind());
  }
}

namespace {

// Of one type in one message. A type may be as large as limits::kCedarTypeNodes, and each mistake in a policy shows two.
constexpr std::size_t kShownBytes = 500;

// Appends what the type is called, and nothing more once there is more than is shown.
void Show(const StaticType& type, std::string& text) {
  switch (type.kind) {
    case Kind::kTrue:
    case Kind::kFalse:
    case Kind::kBool: text += "Bool"; return;
    case Kind::kLong: text += "Long"; return;
    case Kind::kString: text += "String"; return;
    case Kind::kNever: text += "Never"; return;
    case Kind::kEntity:
      text += type.name;
      for (std::size_t i = 0; i < type.others.size() && text.size() <= kShownBytes; ++i) text += " | " + type.others[i];
      return;
    case Kind::kExtension: text += type.name; return;
    case Kind::kSet: text += "Set<", Show(*type.element, text), text += '>'; return;
    case Kind::kRecord: break;
  }
  text += '{';
  std::string_view between;
  for (const auto& [attribute, of] : type.attributes) {
    if (text.size() > kShownBytes) return;
    text += fmt::format("{}{}{}: ", between, IsIdentifier(attribute) ? attribute : Quote(attribute), of.required ? "" : "?");
    Show(*of.type, text);
    between = ", ";
  }
  if (type.open) text += fmt::format("{}…", between);
  text += '}';
}

}  // namespace

std::string StaticType::ToString() const {
  std::string text;
  Show(*this, text);
  return Shown(text, kShownBytes);
}

std::vector<std::string> StaticType::EntityTypes() const {
  std::vector<std::string> types{name};
  types.insert(types.end(), others.begin(), others.end());
  return types;
}

bool IsSubtype(const StaticType& a, const StaticType& b, ValidationMode mode) {
  if (&a == &b || a.kind == Kind::kNever) return true;
  if (a.IsBool() && b.kind == Kind::kBool) return true;
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kSet: return IsSubtype(*a.element, *b.element, mode);
    case Kind::kRecord: return IsSubrecord(a, b, mode);
    case Kind::kEntity:
      if (mode == ValidationMode::kStrict || (a.others.empty() && b.others.empty())) return a.name == b.name && a.others == b.others;
      return std::ranges::includes(b.EntityTypes(), a.EntityTypes());
    default: return a.name == b.name;
  }
}

StaticTypePtr Join(const StaticTypePtr& a, const StaticTypePtr& b, std::string* why, ValidationMode mode) {
  if (IsSubtype(*a, *b, mode)) return b;
  if (IsSubtype(*b, *a, mode)) return a;
  if (a->IsBool() && b->IsBool()) return BoolType();
  if (a->kind != b->kind) return nullptr;
  const bool strict = mode == ValidationMode::kStrict;
  switch (a->kind) {
    case Kind::kSet: {
      StaticTypePtr element = Join(a->element, b->element, why, mode);
      return element == nullptr ? nullptr : SetOf(std::move(element));
    }
    case Kind::kRecord: return strict ? JoinRecordsStrictly(*a, *b, why) : JoinRecordsPermissively(*a, *b);
    case Kind::kEntity:
      if (!strict) return JoinEntities(*a, *b);
      Explain(why, "different entity types never have a common type in strict validation");
      return nullptr;
    default: return nullptr;
  }
}

StaticTypePtr TypeCache::Of(const TypePtr& type) {
  const auto known = converted_.find(type.get());
  if (known != converted_.end()) return known->second;
  StaticTypePtr converted;
  switch (type->kind) {
    case Type::Kind::kBool: converted = BoolType(); break;
    case Type::Kind::kLong: converted = LongType(); break;
    case Type::Kind::kString: converted = StringType(); break;
    case Type::Kind::kEntity: converted = Entity(type->name); break;
    case Type::Kind::kExtension: converted = ExtensionTypeNamed(type->name); break;
    case Type::Kind::kSet: converted = SetOf(Of(type->element)); break;
    case Type::Kind::kRecord: {
      auto record = std::make_shared<StaticType>();
      record->kind = StaticType::Kind::kRecord;
      for (const auto& [name, attribute] : type->attributes) record->attributes[name] = {Of(attribute.type), attribute.required};
      converted = std::move(record);
      break;
    }
  }
  converted_.emplace(type.get(), converted);
  return converted;
}

StaticTypePtr TypeCache::Entity(std::string_view name) {
  const auto known = entities_.find(name);
  if (known != entities_.end()) return known->second;
  return entities_.emplace(std::string(name), EntityTypeNamed(std::string(name))).first->second;
}

}  // namespace remit::cedar
