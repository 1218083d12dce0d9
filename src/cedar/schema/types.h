// The types that the validator reasons with: those of schemas, and between them the two booleans whose value is known. In strict validation
// two types have a common supertype only where they differ in nothing but booleans: entity types never join, records need the same
// attributes, each as required as in the other. Permissive validation joins entity types to unions, and records to what both have, open to
// further attributes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cedar/schema.h"
#include "cedar/validator.h"

namespace remit::cedar {

struct StaticType;
using StaticTypePtr = std::shared_ptr<const StaticType>;

struct StaticType {
  enum class Kind {
    kTrue,
    kFalse,
    kBool,
    kLong,
    kString,
    kEntity,
    kSet,
    kRecord,
    kExtension,
    kNever,  // of the members of an empty set, permissive only: a subtype of all types
  } kind = Kind::kBool;
  struct Attribute {
    StaticTypePtr type;
    bool required = true;
  };
  std::string name;                                          // kEntity, kExtension
  std::vector<std::string> others;                           // kEntity, permissive only: further types of a union; sorted, behind `name`
  StaticTypePtr element;                                     // kSet
  std::map<std::string, Attribute, std::less<>> attributes;  // kRecord
  bool open = false;                                         // kRecord, permissive only: there may be further attributes

  bool IsBool() const { return kind <= Kind::kBool; }  // also the two that are known
  std::vector<std::string> EntityTypes() const;        // of kEntity: one, or those of a union
  std::string ToString() const;                        // for messages: the beginning, where it is long
};

StaticTypePtr BoolType();
StaticTypePtr KnownBool(bool value);
StaticTypePtr LongType();
StaticTypePtr StringType();
StaticTypePtr EntityTypeNamed(std::string name);
StaticTypePtr ExtensionTypeNamed(std::string name);
StaticTypePtr NeverType();
StaticTypePtr SetOf(StaticTypePtr element);
StaticTypePtr TypeOfKind(Value::Kind kind);  // of a parameter or result of an extension function

// The type of a known value; null for a set that is empty or mixed, which no strict type fits.
StaticTypePtr TypeOfValue(const Value& value);

// Whether every value of `a` is one of `b`.
bool IsSubtype(const StaticType& a, const StaticType& b, ValidationMode mode);

// The least type that both belong to; null where there is none. Why not is `why` (may be null): a hint for people.
StaticTypePtr Join(const StaticTypePtr& a, const StaticTypePtr& b, std::string* why = nullptr, ValidationMode mode = ValidationMode::kStrict);

// Schema types as static types, each converted once. The schema must outlive it.
class TypeCache {
 public:
  StaticTypePtr Of(const TypePtr& type);
  StaticTypePtr Entity(std::string_view name);

 private:
  std::map<std::string, StaticTypePtr, std::less<>> entities_;
  std::unordered_map<const Type*, StaticTypePtr> converted_;
};

}  // namespace remit::cedar
