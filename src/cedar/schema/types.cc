// Construction, joining and naming of static types.
#include "cedar/schema/types.h"

#include <fmt/format.h>

#include "cedar/language/lexer.h"

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

StaticTypePtr JoinRecords(const StaticType& a, const StaticType& b, std::string* why) {
  auto joined = std::make_shared<StaticType>();
  joined->kind = Kind::kRecord;
  if (a.attributes.size() != b.attributes.size()) {
    Explain(why, "records must have the same attributes");
    return nullptr;
  }
  for (const auto& [name, attribute] : a.attributes) {
    const auto other = b.attributes.find(name);
    if (other == b.attributes.end()) {
      Explain(why, "records must have the same attributes");
      return nullptr;
    }
    if (other->second.required != attribute.required) {
      Explain(why, fmt::format("attribute `{}` is optional in one record and required in the other", name));
      return nullptr;
    }
    StaticTypePtr type = Join(attribute.type, other->second.type, why);
    if (type == nullptr) return nullptr;
    joined->attributes[name] = {std::move(type), attribute.required};
  }
  return joined;
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

std::string StaticType::ToString() const {
  switch (kind) {
    case Kind::kTrue:
    case Kind::kFalse:
    case Kind::kBool: return "Bool";
    case Kind::kLong: return "Long";
    case Kind::kString: return "String";
    case Kind::kEntity:
    case Kind::kExtension: return name;
    case Kind::kSet: return fmt::format("Set<{}>", element->ToString());
    case Kind::kRecord: break;
  }
  std::string text = "{";
  for (const auto& [attribute, of] : attributes) {
    if (text.size() > 1) text += ", ";
    text += fmt::format("{}{}: {}", IsIdentifier(attribute) ? attribute : Quote(attribute), of.required ? "" : "?", of.type->ToString());
  }
  return text + "}";
}

StaticTypePtr Join(const StaticTypePtr& a, const StaticTypePtr& b, std::string* why) {
  if (a == b) return a;
  if (a->IsBool() && b->IsBool()) return a->kind == b->kind ? a : BoolType();
  if (a->kind != b->kind) return nullptr;
  if (a->kind == Kind::kSet) {
    StaticTypePtr element = Join(a->element, b->element, why);
    return element == nullptr ? nullptr : SetOf(std::move(element));
  }
  if (a->kind == Kind::kRecord) return JoinRecords(*a, *b, why);
  if (a->name == b->name) return a;
  if (a->kind == Kind::kEntity) Explain(why, "different entity types never have a common type in strict validation");
  return nullptr;
}

StaticTypePtr TypeCache::Of(const TypePtr& type) {
  const auto known = converted_.find(type.get());
  if (known != converted_.end()) return known->second;
  StaticTypePtr converted;
  switch (type->kind) {
    case Type::Kind::kBool: converted = BoolType(); break;
    case Type::Kind::kLong: converted = LongType(); break;
    case Type::Kind::kString: converted = StringType(); break;
    case Type::Kind::kEntity: converted = EntityTypeNamed(type->name); break;
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

}  // namespace remit::cedar
