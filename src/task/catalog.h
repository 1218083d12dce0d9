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
#include "task/annotations.h"
#include "task/permission.h"
#include "task/rules.h"

namespace remit::task {

// One parameter of a task type: an attribute of its entity type that is not reserved (`actor`, `parent`, `started`, `deadline`).
struct Parameter {
  std::string name;
  cedar::TypePtr type;
  bool required = true;
};

struct TaskType {
  std::string entity_type;            // fully qualified
  std::string name;                   // @name, else the entity type
  std::string purpose;                // @task("…")
  Duration ttl{};                     // @ttl, default 15m
  Duration max_ttl{};                 // @max_ttl, default ttl
  Duration heartbeat{};               // @heartbeat, default 60s
  std::string reason_pattern;         // @reason, a regular expression (RE2-like subset of std::regex ECMAScript), "" for none
  bool delegable = false;             // @delegable: a task may hand it to a sub-task, whatever its policies say of `start`
  std::vector<Parameter> parameters;  // in order of declaration
  bool has_actor = false, has_parent = false, has_started = false, has_deadline = false;  // reserved attributes that it declares
  std::vector<Budget> budgets;                                                            // @max_starts, @max_active
  std::optional<Trip> trip;                                                               // @trip
  std::optional<Duration> break_glass;   // @break_glass: how long a task that was started without its approvals may live
  std::shared_ptr<const Zone> timezone;  // @timezone, of `context.local`; null: UTC
  std::string actor_type;                // of the attribute `actor`; empty where it declares none: any actor or person
  std::string place;
};

// A permission as the policies state it before parameters are known: what targets check at load.
struct StatedPermission {
  std::string task_type;
  cedar::EntityUid action;
  Permission::Scope scope;
  std::string resource_type;
  std::optional<cedar::EntityUid> resource;  // where the policy names it
  std::string operand;                       // kEqual, kIn: what the resource must be or be in, as Cedar source, e.g. `principal.ticket`
  bool many = false;                         // the operand is a set: one permission for each member
  bool by_parameters = false;                // the task's attributes narrow it
  std::vector<std::string> conditions;       // what else must hold, as Cedar source; those on the task alone are decided at its start
  std::vector<std::string> obligations;      // `@after_uses("1")` of `support.cedar:4` …
  bool plain = true;                         // no condition on the resource's attributes or the context, no obligation
  std::string why_not_plain;
  std::string policy;  // id
  std::string place;   // of the policy
};

// Checks stated permissions, e.g. asks the target that will enforce them natively. An error refuses the catalog.
using PermissionCheck = std::function<Status(const StatedPermission&)>;

struct CatalogFile {
  std::string name;  // relative path, e.g. "deploy.cedar"; .cedarschema files are schemas, .cedar files policies
  std::string text;
};

// Immutable; thread-safe.
class Catalog {
 public:
  // Reads all files as one catalog, with the namespaces of Remit and its targets (builtin_schema.h) added to the schema. All findings,
  // not just the first: `errors`. Never half a catalog. Reasons of its own, besides those of cedar/ and annotations.h: `empty-catalog`,
  // `too-many-files`, `bad-file-name`, `reserved-namespace`, `bad-task-type`, `duplicate-name`, `duplicate-policy`, `like-on-path`,
  // `not-enforceable`, `cannot-be-lifted`, and the check's. Warnings: `role-in-disguise`, `nobody-may-start`, the validator's.
  struct Loaded {
    std::shared_ptr<const Catalog> catalog;  // null where there are errors
    std::vector<cedar::Diagnostic> errors, warnings;
  };
  static Loaded Load(std::vector<CatalogFile> files, const PermissionCheck& check = {});
  // The same of one that was loaded before, maybe by an earlier version of Remit: what was refused only since (`cannot-be-lifted`, a `@break_glass`
  // that is no shorter than `@max_ttl`) is a warning. What such a forbid bears on is denied.
  static Loaded ReadBack(std::vector<CatalogFile> files);

  const std::string& hash() const { return hash_; }  // SHA-256 over names and texts, hex
  const std::vector<CatalogFile>& files() const { return files_; }
  const cedar::Schema& schema() const { return schema_; }
  const cedar::PolicySet& policies() const { return policies_; }
  const std::map<std::string, TaskType, std::less<>>& task_types() const { return types_; }  // by entity type
  const TaskType* FindType(std::string_view name_or_entity_type) const;
  const Lift* FindLift(std::string_view policy) const;  // null: not an obligation
  bool IsActor(std::string_view entity_type) const;     // @actor
  bool IsPerson(std::string_view entity_type) const;    // @person
  bool IsOpen(std::string_view entity_type) const;      // @open
  bool IsFromPep(std::string_view entity_type) const;   // @from_pep
  bool NeedsData(std::string_view entity_type) const;   // has a required attribute: nothing is decided without its data
  const std::vector<StatedPermission>& stated() const { return stated_; }
  const TypeRules* RulesFor(std::string_view task_type) const;  // null: nothing is permitted to it
  std::string PolicyText(const cedar::Policy& policy) const;    // as it stands in its file, annotations included

  std::string Encode() const;  // the files, for the store
  static std::string EncodeFiles(const std::vector<CatalogFile>& files);
  static Result<std::vector<CatalogFile>> DecodeFiles(std::string_view bytes);

 private:
  friend class CatalogLoader;
  bool HasMark(std::string_view entity_type, std::uint8_t mark) const;

  std::string hash_;
  std::vector<CatalogFile> files_;
  cedar::Schema schema_;
  cedar::PolicySet policies_;
  std::map<std::string, TaskType, std::less<>> types_;
  std::map<std::string, std::string, std::less<>> names_;
  std::map<std::string, Lift, std::less<>> lifts_;
  std::map<std::string, std::uint8_t, std::less<>> marks_;
  std::vector<StatedPermission> stated_;
  std::map<std::string, TypeRules, std::less<>> rules_;
};

// Binds parameters. `given` is an object of plain JSON (strings for entities are taken as ids of the declared type; "2026-…" for
// datetimes; Cedar's explicit forms are taken too) or, from the command line, all strings (`from_text`: `tables=a,b` for sets, JSON for
// records). Entities must be in `facts` unless their type is @open. Answers attribute → value for the task's entity.
// Errors: `unknown-parameter`, `missing-parameter`, `ill-typed-parameter`, `unknown-entity`, `bad-entity-id`.
Result<cedar::Record> BindParameters(const Catalog& catalog, const TaskType& type, const json::Value& given, const cedar::EntityView& facts,
                                     bool from_text = false);

// The task's own entity: Type::"tsk_…", its parameters, and the reserved attributes that its type declares.
cedar::Entity TaskEntity(const TaskType& type, const struct TaskRecord& record, const cedar::Schema& schema);

// Whether this actor is of the type that the task type's `actor` declares. Errors: `wrong-actor-type` (kPermissionDenied).
Status CheckActor(const TaskType& type, const cedar::EntityUid& actor);

// Whether the reason has the form that @reason asks for (any, also none, where it asks for nothing). Errors: `bad-reason`.
Status CheckReason(const TaskType& type, std::string_view reason);

// A type with its parameters unbound: purpose, times, parameters, `permissions` as stated, `may_start`: the policies that say who may.
json::Value ExplainType(const Catalog& catalog, const TaskType& type);

// What a task with this entity may do: partial evaluation of every policy over each action and resource type that apply to its type.
// `types` restricts to actions that apply to task types and leaves out the verbs of namespace Remit.
PermissionSet PermissionsOf(const Catalog& catalog, const cedar::Entity& task, const cedar::EntityView& entities);

// What both allow: for tasks that started under an older catalog. Keeps what is certain: permissions equal in both (with the union of
// conditions and obligations).
PermissionSet Intersect(const PermissionSet& a, const PermissionSet& b);

}  // namespace remit::task
