// Loading a catalog: read, resolve, understand the annotations, validate, take the policies apart, hold them to what targets can
// enforce. Each step runs where the ones that it needs found nothing wrong, so that one load reports as much as it can.
#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "cedar/parser.h"
#include "cedar/validator.h"
#include "crypto/hash.h"
#include "task/builtin_schema.h"
#include "task/catalog.h"
#include "task/catalog_marks.h"
#include "task/moment.h"
#include "task/stated_permissions.h"

namespace remit::task {
namespace {

using std::chrono::minutes;

constexpr Duration kDefaultTtl = minutes(15);

// An error's place as a span again: "file:line:column".
cedar::Span SpanOf(const std::string& place) {
  cedar::Span span;
  const std::size_t column = place.rfind(':');
  const std::size_t line = column == std::string::npos || column == 0 ? std::string::npos : place.rfind(':', column - 1);
  auto number = [&](std::size_t from, std::size_t to, std::uint32_t& out) {
    return std::from_chars(place.data() + from, place.data() + to, out).ptr == place.data() + to;
  };
  if (line != std::string::npos && number(line + 1, column, span.line) && number(column + 1, place.size(), span.column)) {
    span.file = std::make_shared<const cedar::Place>(place.substr(0, line), nullptr);
  } else if (!place.empty()) {
    span.file = std::make_shared<const cedar::Place>(place, nullptr);
  }
  return span;
}

cedar::Diagnostic Finding(const Error& error) {
  cedar::Diagnostic d = cedar::Finding(SpanOf(error.place), error.reason, error.message, error.hint);
  // Remit's namespaces hide names that the catalog declares outside of all namespaces, which Cedar refuses: say whose fault it is.
  if (error.reason == "shadowed-declaration" && error.place.starts_with(kBuiltinSchemaFile)) {
    d.hint = "declare yours in a namespace of its own";
    d.span = {};
  }
  return d;
}

bool Mentions(const std::vector<CatalogFile>& files, std::string_view name) {
  return std::ranges::any_of(files, [name](const CatalogFile& file) { return file.text.find(name) != std::string::npos; });
}

bool HasLike(const cedar::Expr& expr) {
  auto in = [](const cedar::ExprPtr& e) { return HasLike(*e); };
  return expr.op == cedar::Op::kLike || std::ranges::any_of(expr.args, in) ||
         std::ranges::any_of(expr.fields, [&](const auto& field) { return HasLike(*field.second); });
}

// Whatever the parameters are: every resource of a type, or all that is in a container that holds whole targets.
bool IsWide(const StatedPermission& p) {
  if (!p.conditions.empty()) return false;
  if (p.scope == Permission::Scope::kIs) return true;
  if (p.scope != Permission::Scope::kIn || !p.resource) return false;
  const std::string& type = p.resource->type;
  return type == "Postgres::Server" || type == "Postgres::Database" || (type == kSecretFolderType && p.resource->id.find('/') == std::string::npos);
}

// Whether it looks at `context.local`, or at an attribute of that name of something else.
bool ReadsLocal(const cedar::Expr& expr) {
  auto in = [](const cedar::ExprPtr& e) { return ReadsLocal(*e); };
  const bool here = (expr.op == cedar::Op::kGetAttr && expr.name == "local") ||
                    (expr.op == cedar::Op::kHas && std::ranges::find(expr.path, "local") != expr.path.end());
  return here || std::ranges::any_of(expr.args, in) || std::ranges::any_of(expr.fields, [&](const auto& field) { return ReadsLocal(*field.second); });
}

bool IsAboutSecrets(const cedar::Policy& policy) {
  auto names_secret = [](const cedar::ScopeConstraint& scope) {
    return scope.type.starts_with("Secret::") ||
           std::ranges::any_of(scope.entities, [](const auto& uid) { return uid.type.starts_with("Secret::"); });
  };
  return names_secret(policy.action) || names_secret(policy.resource);
}

}  // namespace

class CatalogLoader {
 public:
  enum class Of { kAnybody, kStore };  // where it comes from

  CatalogLoader(std::vector<CatalogFile> files, const PermissionCheck& check, Of of) : check_(check), of_(of) { catalog_->files_ = std::move(files); }

  Catalog::Loaded Load() {
    CheckFiles();
    if (Good()) ReadSchema();
    if (schema_read_) ReadPolicies();
    if (Good()) CheckLocalTime();
    if (Good()) Validate();
    if (Good()) CheckLifts();
    if (Good()) TakeApart();
    Catalog::Loaded loaded;
    for (cedar::Diagnostic& d : findings_) {
      const bool error = d.severity == cedar::Diagnostic::Severity::kError;
      (error ? loaded.errors : loaded.warnings).push_back(std::move(d));
    }
    if (loaded.errors.empty()) loaded.catalog = std::move(catalog_);
    return loaded;
  }

 private:
  bool Good() const {
    return std::ranges::none_of(findings_, [](const auto& d) { return d.severity == cedar::Diagnostic::Severity::kError; });
  }

  void Report(std::string_view reason, std::string message, const cedar::Span& span, std::string hint = {}) {
    findings_.push_back(cedar::Finding(span, reason, std::move(message), hint));
  }

  void Warn(std::string_view reason, std::string message, const cedar::Span& span, std::string hint = {}) {
    Report(reason, std::move(message), span, std::move(hint));
    findings_.back().severity = cedar::Diagnostic::Severity::kWarning;
  }

  // What earlier versions of Remit took: an error, but where it is in a store already.
  void ReportSince(std::string_view reason, std::string message, const cedar::Span& span, std::string hint) {
    of_ == Of::kStore ? Warn(reason, std::move(message), span, std::move(hint)) : Report(reason, std::move(message), span, std::move(hint));
  }

  void CheckFiles() {
    auto& files = catalog_->files_;
    std::ranges::sort(files, {}, &CatalogFile::name);
    DropCopies();
    if (files.empty()) Report("empty-catalog", "a catalog needs at least one .cedarschema file", {});
    if (files.size() > limits::kCatalogFiles) Report("too-many-files", fmt::format("a catalog has at most {} files", limits::kCatalogFiles), {});
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string& name = files[i].name;
      const bool known = name.ends_with(".cedar") || name.ends_with(".cedarschema");
      const std::vector<std::string> parts = Split(name, '/');
      const bool odd = std::ranges::any_of(parts, [](const std::string& p) { return p.empty() || p == "." || p == ".."; });
      if (!known || odd || !IsVisible(name) || name == kBuiltinSchemaFile) {
        Report("bad-file-name", fmt::format("`{}` cannot be part of a catalog", EscapeControl(name)), {},
               "schemas end in .cedarschema, policies in .cedar");
      }
      if (i > 0 && files[i - 1].name == name) Report("bad-file-name", fmt::format("`{}` is there twice", EscapeControl(name)), {});
    }
    catalog_->hash_ = HexEncode(crypto::Sha256("remit/catalog/v1\n" + Catalog::EncodeFiles(files)));
  }

  // The same file in two folders counts once, so that catalogs can share declarations and still stand alone.
  void DropCopies() {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    auto& files = catalog_->files_;
    std::vector<CatalogFile> kept;
    for (const CatalogFile& file : files) {
      const std::string_view name = file.name;
      const bool in_folder = name.find('/') != std::string_view::npos;
      const bool first = seen.emplace(name.substr(name.rfind('/') + 1), file.text).second;
      if (first || !in_folder) kept.push_back(file);
    }
    files = std::move(kept);
  }

  // Twice: Remit's own part of the schema says which types its verbs apply to, and learns that from the catalog's part.
  void ReadSchema() {
    BuiltinParts parts;
    parts.postgres = Mentions(catalog_->files_, "Postgres::");
    parts.secrets = Mentions(catalog_->files_, "Secret::");
    if (!ParseSchema(parts)) return;
    ReadTypes(parts);
    if (Good()) schema_read_ = ParseSchema(parts);
  }

  bool ParseSchema(const BuiltinParts& parts) {
    std::vector<cedar::SchemaSource> sources;
    for (const CatalogFile& file : catalog_->files_) {
      if (file.name.ends_with(".cedarschema")) sources.push_back({file.name, file.text});
    }
    sources.push_back({std::string(kBuiltinSchemaFile), BuiltinSchema(parts)});
    auto schema = cedar::Schema::Parse(sources);
    if (!schema) {
      findings_.push_back(Finding(schema.error()));
      return false;
    }
    catalog_->schema_ = std::move(*schema);
    return true;
  }

  static bool IsBuiltin(const cedar::Span& span) { return span.IsIn(kBuiltinSchemaFile); }

  void ReadTypes(BuiltinParts& parts) {
    std::vector<std::pair<const cedar::EntityType*, TypeAnnotations>> tasks;
    for (const auto& [name, type] : catalog_->schema_.entity_types()) {
      if (IsBuiltin(type.span)) continue;
      CheckNamespace(name, type.span);
      for (const auto& [attribute, declared] : type.attributes) CheckOtherAnnotations(declared.annotations, "an attribute", findings_);
      TypeAnnotations a = ReadTypeAnnotations(type, findings_);
      if (a.actor) parts.actors.push_back(name);
      if (a.person) parts.persons.push_back(name);
      if (a.task) parts.tasks.push_back(name);
      const bool needs_data = std::ranges::any_of(type.attributes, [](const auto& attribute) { return attribute.second.required; });
      catalog_->marks_[name] =
          static_cast<std::uint8_t>((a.actor ? marks::kActor : 0) | (a.person ? marks::kPerson : 0) | (a.open ? marks::kOpen : 0) |
                                    (a.from_pep ? marks::kFromPep : 0) | (needs_data ? marks::kNeedsData : 0));
      if (a.open && !a.from_pep && needs_data) {
        Report("malformed-annotation", fmt::format("`{}` is `@open`, so that anything may be one, but has a required attribute", name), type.span,
               "make the attribute optional, or mark the type `@from_pep` too");
      }
      if (a.task) tasks.emplace_back(&type, std::move(a));
    }
    for (const auto& [type, annotations] : tasks) AddTaskType(*type, annotations);
    ReadActions(parts);
  }

  void ReadActions(BuiltinParts& parts) {
    std::set<std::string> resources;
    for (const auto& [uid, action] : catalog_->schema_.actions()) {
      if (IsBuiltin(action.span)) continue;
      CheckNamespace(uid.type, action.span);
      CheckOtherAnnotations(action.annotations, "an action", findings_);
      for (const std::string& resource : action.resources) {
        if (!catalog_->types_.contains(resource) && !IsBuiltinName(resource)) resources.insert(resource);
      }
    }
    parts.resources.assign(resources.begin(), resources.end());
  }

  void CheckNamespace(std::string_view name, const cedar::Span& span) {
    if (!IsBuiltinName(name)) return;
    Report("reserved-namespace", fmt::format("`{}` lies in a namespace that Remit declares itself", name), span, "use a namespace of your own");
  }

  void AddTaskType(const cedar::EntityType& type, const TypeAnnotations& a) {
    TaskType t;
    t.entity_type = type.name;
    t.name = a.name.empty() ? type.name : a.name;
    t.purpose = *a.task;
    t.max_ttl = a.max_ttl.value_or(a.ttl.value_or(kDefaultTtl));
    t.ttl = a.ttl.value_or(std::min(kDefaultTtl, t.max_ttl));
    t.heartbeat = a.heartbeat.value_or(limits::kHeartbeatDefault);
    t.reason_pattern = a.reason;
    t.delegable = a.delegable;
    t.budgets = a.budgets;
    t.trip = a.trip;
    t.break_glass = a.break_glass;
    t.timezone = a.timezone;
    t.place = type.span.ToString();
    if (!type.member_of.empty()) Report("bad-task-type", fmt::format("the task type `{}` cannot be `in` another type", type.name), type.span);
    if (!type.enumeration.empty()) Report("bad-task-type", fmt::format("the task type `{}` cannot list its ids", type.name), type.span);
    if (type.tags) Report("bad-task-type", fmt::format("the task type `{}` cannot have tags", type.name), type.span, "declare attributes");
    for (const std::string& name : type.attribute_order) {
      const cedar::AttributeType& attribute = type.attributes.find(name)->second;
      if (!AddReserved(t, name, attribute)) t.parameters.push_back({name, attribute.type, attribute.required});
    }
    if (!a.name.empty() && !catalog_->names_.emplace(a.name, type.name).second) {
      Report("duplicate-name", fmt::format("two task types have the name `{}`", a.name), type.span, "every `@name` is used once");
    }
    if (!a.name.empty() && a.name != type.name && catalog_->schema_.FindEntityType(a.name) != nullptr) {
      Report("duplicate-name", fmt::format("`{}` is also the name of an entity type", a.name), type.span, "choose another `@name`");
    }
    CheckBudgets(t, type);
    CheckBreakGlass(t, type);
    catalog_->types_.emplace(type.name, std::move(t));
  }

  // What a budget counts by is a parameter. The actor always counts, and what Remit fills differs from task to task.
  void CheckBudgets(const TaskType& t, const cedar::EntityType& type) {
    std::vector<std::string> names;
    for (const Parameter& p : t.parameters) names.push_back(p.name);
    for (const Budget& budget : t.budgets) {
      const std::string_view annotation = budget.kind == Budget::Kind::kStarts ? "max_starts" : "max_active";
      for (const std::string& name : budget.by) {
        if (std::ranges::find(names, name) != names.end()) continue;
        const std::string near = Nearest(name, names);
        const std::string known = names.empty() ? "it has none" : fmt::format("its parameters: {}", Join(names, ", "));
        Report("malformed-annotation", fmt::format("`@{}` counts by `{}`, which is no parameter of `{}`", annotation, EscapeControl(name), t.name),
               type.annotations.find(annotation)->second.span,
               name == "actor" ? "every budget is counted for each actor: leave it out"
               : near.empty()  ? known
                               : fmt::format("did you mean `{}`?", near));
      }
    }
  }

  // "In an emergency" is for a shorter time than what was approved.
  void CheckBreakGlass(const TaskType& t, const cedar::EntityType& type) {
    if (!t.break_glass || *t.break_glass < t.max_ttl) return;
    ReportSince("malformed-annotation",
                fmt::format("`@break_glass` must be shorter than what `{}` lives at most otherwise, {}", t.name, FormatDuration(t.max_ttl)),
                type.annotations.find("break_glass")->second.span,
                "a start that nobody approved is for less time: write half of it, or raise `@max_ttl`");
  }

  // Attributes that Remit fills. True where `name` is one of them.
  bool AddReserved(TaskType& t, const std::string& name, const cedar::AttributeType& attribute) {
    using Kind = cedar::Type::Kind;
    const bool time = attribute.type->kind == Kind::kExtension && attribute.type->name == "datetime";
    const bool entity = attribute.type->kind == Kind::kEntity;
    const std::string& type = attribute.type->name;
    auto needs = [&](bool fits, std::string_view what) {
      if (!fits)
        Report("bad-task-type", fmt::format("the attribute `{}` of `{}` is filled by Remit and must be {}", name, t.entity_type, what),
               attribute.span);
      return true;
    };
    if (name == "actor") {
      t.has_actor = true;
      t.actor_type = type;
      return needs(entity && (catalog_->IsActor(type) || catalog_->IsPerson(type)), "of a type marked `@actor` or `@person`");
    }
    if (name == "started") return needs(t.has_started = time, "a datetime");
    if (name == "deadline") return needs(t.has_deadline = time, "a datetime");
    if (name != "parent") return false;
    t.has_parent = true;
    return needs(entity && !attribute.required, "an optional entity of a task type: `parent?: …`");
  }

  void ReadPolicies() {
    std::set<std::string> ids;
    for (const CatalogFile& file : catalog_->files_) {
      if (!file.name.ends_with(".cedar")) continue;
      auto parsed = cedar::ParsePolicies(file.text, file.name);
      if (!parsed) {
        findings_.push_back(Finding(parsed.error()));
        continue;
      }
      for (std::size_t i = 0; i < parsed->size(); ++i) AddPolicy(*(*parsed)[i], fmt::format("{}:{}", file.name, i + 1), ids);
    }
    auto set = cedar::PolicySet::Build(policies_);
    if (set) {
      catalog_->policies_ = std::move(*set);
    } else {
      findings_.push_back(Finding(set.error()));
    }
  }

  void AddPolicy(cedar::Policy policy, std::string id, std::set<std::string>& ids) {
    const PolicyAnnotations a = ReadPolicyAnnotations(policy, findings_);
    policy.id = a.id.empty() ? std::move(id) : a.id;
    if (!ids.insert(policy.id).second) {
      Report("duplicate-policy", fmt::format("two policies have the id `{}`", policy.id), policy.span, "every `@id` is used once");
      return;
    }
    if (IsAboutSecrets(policy) && std::ranges::any_of(policy.conditions, [](const auto& c) { return HasLike(*c.body); })) {
      Report("like-on-path", fmt::format("`{}` matches text about secrets with `like`", policy.id), policy.span,
             "paths are a hierarchy: write `resource in Secret::Folder::\"…\"`");
    }
    if (a.lift) catalog_->lifts_.emplace(policy.id, *a.lift);
    policies_.push_back(std::make_shared<const cedar::Policy>(std::move(policy)));
  }

  // `context.local` needs a place on earth. Nothing is forbidden on Friday afternoon in London that was meant for Sydney.
  void CheckLocalTime() {
    for (const auto& [name, type] : catalog_->types_) {
      if (type.timezone != nullptr) continue;
      auto report = [&](const cedar::Span& span, std::string_view what) {
        Report("no-timezone", fmt::format("{} uses `context.local`, and the task type `{}` has no `@timezone`", what, type.name), span,
               fmt::format("write @timezone(\"Europe/Berlin\"), or where it is, on `{}`", name));
      };
      for (const auto& [uid, action] : catalog_->schema_.actions()) {
        if (!IsBuiltin(action.span) && action.principals.contains(name) && IsFilled(*action.context, "local"))
          report(action.span, fmt::format("`{}`", uid.ToString()));
      }
      for (const std::string_view verb : {"start", "break_glass"}) {
        const cedar::EntityUid uid{std::string(kVerbType), std::string(verb)};
        const cedar::ActionType* action = catalog_->schema_.FindAction(uid);
        std::set<std::string> told;
        for (const std::string& principal : action == nullptr ? std::set<std::string>() : action->principals) {
          for (const cedar::PolicyPtr& policy : PoliciesFor(catalog_->schema_, policies_, principal, uid, name)) {
            const bool local = std::ranges::any_of(policy->conditions, [](const auto& c) { return ReadsLocal(*c.body); });
            if (local && told.insert(policy->id).second) report(policy->span, fmt::format("the policy `{}`", policy->id));
          }
        }
      }
    }
  }

  // Whether the policy may bear on this action, of any types that the action applies to.
  bool BearsOn(const cedar::PolicyPtr& policy, const cedar::EntityUid& uid, const cedar::ActionType& action) const {
    return std::ranges::any_of(action.principals, [&](const std::string& principal) {
      return std::ranges::any_of(
          action.resources, [&](const std::string& resource) { return !PoliciesFor(catalog_->schema_, {policy}, principal, uid, resource).empty(); });
    });
  }

  // A forbid that Remit can lift must not bear on what cannot count its uses, or cannot wait: it would be lifted for ever, or never.
  void CheckLifts() {
    for (const cedar::PolicyPtr& policy : policies_) {
      const Lift* lift = catalog_->FindLift(policy->id);
      if (lift != nullptr) lift->kind == Obligation::Kind::kAfterUses ? CheckUsesAreCounted(policy) : CheckWaits(policy);
    }
  }

  void CheckUsesAreCounted(const cedar::PolicyPtr& policy) {
    bool starts = false, counted = false;  // a start is the first use: what bears on nothing else is never used up
    for (const auto& [uid, action] : catalog_->schema_.actions()) {
      const bool verb = uid.type == kVerbType, start = verb && uid.id == "start";
      if ((counted && !verb) || !BearsOn(policy, uid, action)) continue;
      if (verb && !CountsUses(uid.id)) {
        return ReportSince("cannot-be-lifted",
                           fmt::format("`@after_uses` of `{}` bears on `{}`, whose uses nobody counts", policy->id, uid.ToString()), policy->span,
                           "name the actions that are meant in its scope: what a task does, `extend` and `delegate` are counted");
      }
      (start ? starts : counted) = true;
    }
    if (!starts || counted) return;
    ReportSince("cannot-be-lifted", fmt::format("`@after_uses` of `{}` bears on nothing but starts, and a task starts once", policy->id),
                policy->span, "`@max_starts(\"1 per 24h\")` on the task type says how often an actor may start it");
  }

  void CheckWaits(const cedar::PolicyPtr& policy) {
    for (const auto& [uid, action] : catalog_->schema_.actions()) {
      if (uid.type != kVerbType || WaitsForYes(uid.id) || !BearsOn(policy, uid, action)) continue;
      return ReportSince("cannot-be-lifted",
                         fmt::format("`@unless_approved` of `{}` bears on `{}`, which cannot wait for a yes", policy->id, uid.ToString()),
                         policy->span, "name the actions that are meant in its scope, or write a forbid that nobody lifts");
    }
  }

  void Validate() {
    for (cedar::Diagnostic& d : cedar::Validate(catalog_->schema_, policies_)) findings_.push_back(std::move(d));
  }

  void TakeApart() {
    std::vector<std::string> types;
    for (const auto& [name, type] : catalog_->types_) types.push_back(name);
    catalog_->rules_ = BuildRules(catalog_->schema_, policies_, types, catalog_->lifts_);
    for (const auto& [name, type] : catalog_->types_) {
      const TypeRules* rules = catalog_->RulesFor(name);
      std::vector<StatedPermission> stated = rules == nullptr ? std::vector<StatedPermission>() : StatePermissions(catalog_->schema_, name, *rules);
      for (const StatedPermission& p : stated) {
        Status fits = CheckNative(p);
        if (fits && check_) fits = check_(p);
        if (fits) continue;
        Error error = std::move(fits).error();
        if (error.place.empty()) error.place = p.place;
        findings_.push_back(Finding(error));
        findings_.back().policy = p.policy;
      }
      WarnOfRole(type, stated);
      WarnOfNobody(type);
      for (StatedPermission& p : stated) catalog_->stated_.push_back(std::move(p));
    }
  }

  // A type that nothing narrows is a standing role under another name.
  void WarnOfRole(const TaskType& type, const std::vector<StatedPermission>& stated) {
    if (stated.empty()) return;
    const auto wide = std::ranges::find_if(stated, IsWide);
    const bool narrowed = std::ranges::any_of(stated, &StatedPermission::by_parameters);
    if (wide == stated.end() && narrowed) return;
    std::string why = "no parameter narrows what it may do";
    if (wide != stated.end())
      why = wide->scope == Permission::Scope::kIs ? fmt::format("`{}` on every `{}`", wide->action.ToString(), wide->resource_type)
                                                  : fmt::format("`{}` on all that is in `{}`", wide->action.ToString(), wide->resource->ToString());
    Warn("role-in-disguise", fmt::format("the task type `{}` is as broad as a role: {}", type.name, why),
         SpanOf(wide != stated.end() ? wide->place : type.place), "narrow it by a parameter: `resource == principal.…`");
  }

  void WarnOfNobody(const TaskType& type) {
    auto permitted = [&](std::string_view name) {
      const cedar::EntityUid verb{std::string(kVerbType), std::string(name)};
      const cedar::ActionType* action = catalog_->schema_.FindAction(verb);
      if (action == nullptr) return false;
      return std::ranges::any_of(action->principals, [&](const std::string& principal) {
        const auto policies = PoliciesFor(catalog_->schema_, policies_, principal, verb, type.entity_type);
        return std::ranges::any_of(policies, [](const auto& p) { return p->effect == cedar::Effect::kPermit; });
      });
    };
    if (catalog_->schema_.FindAction({std::string(kVerbType), "start"}) == nullptr) return;
    if (permitted("start") || (type.delegable && permitted("delegate"))) return;
    Warn("nobody-may-start", fmt::format("no policy lets anyone start `{}`", type.name), SpanOf(type.place),
         fmt::format("permit (principal in …, action == Remit::Action::\"start\", resource is {});", type.entity_type));
  }

  std::shared_ptr<Catalog> catalog_ = std::make_shared<Catalog>();
  const PermissionCheck& check_;
  const Of of_;
  Findings findings_;
  std::vector<cedar::PolicyPtr> policies_;
  bool schema_read_ = false;
};

Catalog::Loaded Catalog::Load(std::vector<CatalogFile> files, const PermissionCheck& check) {
  return CatalogLoader(std::move(files), check, CatalogLoader::Of::kAnybody).Load();
}

Catalog::Loaded Catalog::ReadBack(std::vector<CatalogFile> files) { return CatalogLoader(std::move(files), {}, CatalogLoader::Of::kStore).Load(); }

}  // namespace remit::task
