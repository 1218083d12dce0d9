// The types that the validator reasons with: those of schemas, and between them the two booleans whose value is known. Only strict
// validation exists here, so two types have a common supertype only where they differ in nothing but booleans: entity types never join,
// records need the same attributes, each as required as in the other.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "cedar/schema.h"

namespace remit::cedar {

struct StaticType;
using StaticTypePtr = std::shared_ptr<const StaticType>;

struct StaticType {
  enum class Kind { kTrue, kFalse, kBool, kLong, kString, kEntity, kSet, kRecord, kExtension } kind = Kind::kBool;
  struct Attribute {
    StaticTypePtr type;
    bool required = true;
  };
  std::string name;                                          // kEntity, kExtension
  StaticTypePtr element;                                     // kSet
  std::map<std::string, Attribute, std::less<>> attributes;  // kRecord

  bool IsBool() const { return kind <= Kind::kBool; }  // also the two that are known
  std::string ToString() const;
};

StaticTypePtr BoolType();
StaticTypePtr KnownBool(bool value);
StaticTypePtr LongType();
StaticTypePtr StringType();
StaticTypePtr EntityTypeNamed(std::string name);
StaticTypePtr ExtensionTypeNamed(std::string name);
StaticTypePtr SetOf(StaticTypePtr element);
StaticTypePtr TypeOfKind(Value::Kind kind);  // of a parameter or result of an extension function

// The type of a known value; null for a set that is empty or mixed, which no strict type fits.
StaticTypePtr TypeOfValue(const Value& value);

// The least type that both belong to; null where strict validation has none. Why not is `why` (may be null): a hint for people.
StaticTypePtr Join(const StaticTypePtr& a, const StaticTypePtr& b, std::string* why = nullptr);

// Schema types as static types, each converted once. The schema must outlive it.
class TypeCache {
 public:
  StaticTypePtr Of(const TypePtr& type);

 private:
  std::unordered_map<const Type*, StaticTypePtr> converted_;
};

}  // namespace remit::cedar
