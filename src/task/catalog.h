// A catalog: schemas and policies in standard Cedar, read, validated and understood as a whole. A catalog with an error is refused whole.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cedar/authorizer.h"
#include "cedar/schema.h"
#include "task/permission.h"

namespace remit::task {

// One parameter of a task type: an attribute of its entity type that is not reserved (`actor`, `parent`, `started`, `deadline`).
struct Parameter {
  std::string name;
  cedar::TypePtr type;
  bool required = true;
};

struct TaskType {
  std::string entity_type;        // fully qualified
  std::string name;               // @name, else the entity type
  std::string purpose;            // @task("…")
  Duration ttl{};                 // @ttl, default 15m
  Duration max_ttl{};             // @max_ttl, default ttl
  Duration heartbeat{};           // @heartbeat, default 60s
  std::string reason_pattern;     // @reason, a regular expression (RE2-like subset of std::regex ECMAScript), "" for none
  std::vector<Parameter> parameters;  // in order of declaration
  bool has_actor = false, has_parent = false, has_started = false, has_deadline = false;  // reserved attributes that it declares
  std::string place;
};

// What a forbid that can be lifted asks for.
struct Lift {
  Obligation::Kind kind;
  std::uint32_t count;
};

// A permission as the policies state it before parameters are known: what targets check at load.
struct StatedPermission {
  std::string task_type;
  cedar::EntityUid action;
  Permission::Scope scope;
  std::string resource_type;
  std::optional<cedar::EntityUid> resource;  // where the policy names it
  bool plain = true;                         // no condition on the resource's attributes or the context, no obligation
  std::string why_not_plain;
  std::string place;                         // of the policy
};

// Checks stated permissions, e.g. asks the target that will enforce them natively. An error refuses the catalog.
using PermissionCheck = std::function<Status(const StatedPermission&)>;

struct CatalogFile {
  std::string name;               // relative path, e.g. "deploy.cedar"; .cedarschema files are schemas, .cedar files policies
  std::string text;
};

// Immutable; thread-safe.
class Catalog {
 public:
  // Reads all files as one catalog, with the namespaces of Remit and its targets (builtin_schema.h) added to the schema. All findings,
  // not just the first: `errors`. Never half a catalog.
  struct Loaded {
    std::shared_ptr<const Catalog> catalog;         // null where there are errors
    std::vector<cedar::Diagnostic> errors, warnings;
  };
  static Loaded Load(std::vector<CatalogFile> files, const PermissionCheck& check = {});

  const std::string& hash() const { return hash_; }            // SHA-256 over names and texts, hex
  const std::vector<CatalogFile>& files() const { return files_; }
  const cedar::Schema& schema() const { return schema_; }
  const cedar::PolicySet& policies() const { return policies_; }
  const std::map<std::string, TaskType>& task_types() const { return types_; }  // by entity type
  const TaskType* FindType(std::string_view name_or_entity_type) const;
  const Lift* FindLift(std::string_view policy) const;         // null: not an obligation
  bool IsActor(std::string_view entity_type) const;            // @actor
  bool IsPerson(std::string_view entity_type) const;           // @person
  bool IsOpen(std::string_view entity_type) const;             // @open
  bool IsFromPep(std::string_view entity_type) const;          // @from_pep
  const std::vector<StatedPermission>& stated() const { return stated_; }

  std::string Encode() const;                                  // the files, for the store
  static Result<std::vector<CatalogFile>> DecodeFiles(std::string_view bytes);

 private:
  std::string hash_;
  std::vector<CatalogFile> files_;
  cedar::Schema schema_;
  cedar::PolicySet policies_;
  std::map<std::string, TaskType> types_;
  std::map<std::string, std::string> names_;
  std::map<std::string, Lift, std::less<>> lifts_;
  std::map<std::string, std::uint8_t> marks_;
  std::vector<StatedPermission> stated_;
};

// Binds parameters. `given` is an object of plain JSON (strings for entities are taken as ids of the declared type; "2026-…" for
// datetimes; Cedar's explicit forms are taken too) or, from the command line, all strings (`from_text`: `tables=a,b` for sets, JSON for
// records). Entities must be in `facts` unless their type is @open. Answers attribute → value for the task's entity.
// Errors: `unknown-parameter`, `missing-parameter`, `ill-typed-parameter`, `unknown-entity`, `bad-entity-id`.
Result<cedar::Record> BindParameters(const Catalog& catalog, const TaskType& type, const json::Value& given, const cedar::EntityView& facts,
                                     bool from_text = false);

// The task's own entity: Type::"tsk_…", its parameters, and the reserved attributes that its type declares.
cedar::Entity TaskEntity(const TaskType& type, const struct TaskRecord& record, const cedar::Schema& schema);

// What a task with this entity may do: partial evaluation of every policy over each action and resource type that apply to its type.
// `types` restricts to actions that apply to task types and leaves out the verbs of namespace Remit.
PermissionSet PermissionsOf(const Catalog& catalog, const cedar::Entity& task, const cedar::EntityView& entities);

// What both allow: for tasks that started under an older catalog. Keeps what is certain: permissions equal in both (with the union of
// conditions and obligations).
PermissionSet Intersect(const PermissionSet& a, const PermissionSet& b);

}  // namespace remit::task
