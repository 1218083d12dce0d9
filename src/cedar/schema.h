// Schemas: which entity types, attributes, actions and contexts there are. Read from the human syntax and from the JSON form (schema_json.h
// translates between them); several fragments, of either form, make one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/ast.h"
#include "cedar/value.h"

namespace remit::cedar {

struct Type;
using TypePtr = std::shared_ptr<const Type>;

struct AttributeType {
  TypePtr type;
  bool required = true;
  std::map<std::string, Annotation, std::less<>> annotations;
  Span span;
};

// A resolved type: common types and names are replaced by what they stand for.
struct Type {
  enum class Kind { kBool, kLong, kString, kEntity, kSet, kRecord, kExtension } kind = Kind::kBool;
  std::string name;                                              // kEntity: fully qualified; kExtension: decimal, ipaddr, datetime, duration
  TypePtr element;                                               // kSet
  std::map<std::string, AttributeType, std::less<>> attributes;  // kRecord

  std::string ToString() const;  // human syntax, on one line; annotations left out
};

// Whether the type is that of actions: `Action` in any namespace.
bool IsActionType(std::string_view type_name);

struct EntityType {
  std::string name;                 // fully qualified
  std::set<std::string> member_of;  // parent types declared with `in`
  std::map<std::string, AttributeType, std::less<>> attributes;
  std::vector<std::string> attribute_order;  // as declared
  TypePtr tags;                              // null: no tags
  std::vector<std::string> enumeration;      // ids of `enum`; empty: any id
  std::map<std::string, Annotation, std::less<>> annotations;
  Span span;
};

struct ActionType {
  EntityUid uid;
  std::vector<EntityUid> member_of;
  std::set<std::string> principals, resources;  // types; both empty: applies to nothing
  TypePtr context;                              // always a record
  std::map<std::string, Annotation, std::less<>> annotations;
  Span span;
};

struct SchemaSource {
  std::string file_name;
  std::string text;
  bool json = false;  // the text is in the JSON form, not in the human syntax
};

// Immutable; thread-safe.
class Schema {
 public:
  Schema() = default;

  // Parses and resolves all fragments together. A namespace may have declarations in several fragments, a name only one declaration.
  // Errors, all with the place: `parse-error`, `empty-applies-to`; for the JSON form also `bad-json`, `json-too-large`, `not-an-object`,
  // `missing-field`, `bad-field`, `unknown-field`; for both `unknown-type`, `unknown-action`, `duplicate-declaration`, `reserved-name`,
  // `shadowed-declaration` (a namespace declares what the empty one has, RFC 70), `type-cycle`, `action-cycle`, `context-not-record`,
  // `shape-not-record`, `not-supported` (open records, attributes of actions), `type-too-large` (limits::kCedarTypeNodes), `schema-too-large`
  // (limits::kCedarSharedBytes), `hierarchy-too-large` (limits::kCedarClosureEntries).
  static Result<Schema> Parse(const std::vector<SchemaSource>& fragments);

  // The same for fragments in the JSON form that are already values. A place is the way to the member: `NS/entityTypes/User/shape`.
  static Result<Schema> FromJson(const std::vector<json::Value>& fragments);

  const EntityType* FindEntityType(std::string_view name) const;
  const ActionType* FindAction(const EntityUid& uid) const;
  const std::map<std::string, EntityType, std::less<>>& entity_types() const { return entity_types_; }
  const std::map<EntityUid, ActionType>& actions() const { return actions_; }
  // By the declared `in`s, transitively. A type is its own descendant only where it is declared `in` itself.
  bool MayBeDescendant(std::string_view child_type, std::string_view ancestor_type) const;
  bool ActionIn(const EntityUid& action, const EntityUid& group) const;  // equal or member, transitively
  const std::set<EntityUid>& GroupsOf(const EntityUid& action) const;    // transitively; none for an action that is not known

  // Checks one entity against its type. Errors: `entity-does-not-validate`, naming what is wrong.
  Status ValidateEntity(const struct Entity& entity) const;

  // Checks one value against a type. Errors: `ill-typed`.
  Status ValidateValue(const Value& value, const Type& type) const;

  // Reads a JSON value as a value of `type`, with Cedar's implicit forms: {"type", "id"} for entities; for extension types a plain string,
  // or {"fn", "arg"} without its `__extn`. Errors: `ill-typed`, `bad-value`.
  Result<Value> ReadValue(const json::Value& document, const Type& type) const;

  // The same, but for what ValidateValue finds: for the context of a request, of which ValidateRequest asks that. Errors: `ill-typed`, `bad-value`.
  Result<Value> ReadForm(const json::Value& document, const Type& type) const;

  // Checks a request: known action, types that it applies to, context of its type. Errors: `request-does-not-validate`.
  Status ValidateRequest(const struct Request& request) const;

  // Human syntax of the whole, normalised; parses to an equal schema. Common types are written out wherever they are used, so it can be far longer
  // than what it was read from. Errors: `schema-too-large` (limits::kCedarSchemaTextBytes).
  Result<std::string> ToText() const;

 private:
  friend class SchemaBuilder;
  std::map<std::string, EntityType, std::less<>> entity_types_;
  std::map<EntityUid, ActionType> actions_;
  // INVARIANT: the transitive closures of member_of, one entry for each type and action.
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> type_ancestors_;
  std::map<EntityUid, std::set<EntityUid>> action_ancestors_;
};

}  // namespace remit::cedar
