// From policies to permissions, with the parameters of one task bound: what `remit explain` prints, what goes into tokens, and what
// targets turn into grants. Also what two such sets have in common.
//
// INVARIANT: never wider than the policies. Where something cannot be decided here, the permission carries it as a condition (and is
// then not plain, so no target grants it), or is left out.
#include <algorithm>

#include <fmt/format.h>

#include "cedar/partial.h"
#include "task/catalog.h"
#include "task/implied_entities.h"
#include "task/residual.h"

namespace remit::task {
namespace {

using cedar::ExprPtr;
using Kind = Condition::Kind;
using Scope = Permission::Scope;

// A forbid, reduced for this task.
struct BoundForbid {
  const Rule* rule;
  ExprPtr residual;  // null: always fails, so always denies
};

class Binder {
 public:
  Binder(const Catalog& catalog, const cedar::Entity& task, const cedar::EntityView& entities)
      : catalog_(catalog), task_(task), entities_(entities) {}

  PermissionSet Bind() {
    if (const TypeRules* rules = catalog_.RulesFor(task_.uid.type)) {
      for (const auto& [key, cell] : rules->cells) BindCell(key.first, key.second, cell);
    }
    set_.Normalise();
    return std::move(set_);
  }

 private:
  std::optional<ExprPtr> Reduce(const ExprPtr& residual) const {
    if (!residual) return std::nullopt;
    return cedar::PartialEvaluate(*residual, {task_.uid.type, task_.uid, action_, resource_type_, std::nullopt, std::nullopt}, entities_,
                                  catalog_.schema());
  }

  void BindCell(const cedar::EntityUid& action, const std::string& resource_type, const RuleCell& cell) {
    action_ = action;
    resource_type_ = resource_type;
    forbids_.clear();
    for (const Rule& forbid : cell.forbids) {
      const auto residual = Reduce(forbid.residual);
      if (!residual || !cedar::IsFalse(**residual)) forbids_.push_back({&forbid, residual.value_or(nullptr)});
    }
    for (const Rule& permit : cell.permits) BindPermit(permit);
  }

  void BindPermit(const Rule& permit) {
    const auto residual = Reduce(permit.residual);
    if (!residual) return;
    Permission p;
    p.action = action_;
    p.policies = {permit.policy->id};
    const auto alternatives = Alternatives(*residual, true);
    if (!alternatives) return Add(WithScope(std::move(p), Scope::kIs, {resource_type_, ""}), {*residual});
    for (const Alternative& alternative : *alternatives) {
      std::vector<ExprPtr> conditions = alternative.conditions;
      if (!alternative.exact) conditions.push_back(*residual);
      BindAlternative(p, std::move(conditions));
    }
  }

  void BindAlternative(const Permission& p, std::vector<ExprPtr> conditions) {
    std::vector<Condition> said;
    for (const ExprPtr& c : conditions) said.push_back(Classify(c));
    // What is about the task alone and was not folded can only fail.
    if (std::ranges::find(said, Kind::kTask, &Condition::kind) != said.end()) return;
    for (const Kind kind : {Kind::kEqual, Kind::kMember, Kind::kIn}) {
      const auto scope = std::ranges::find(said, kind, &Condition::kind);
      if (scope == said.end()) continue;
      const auto uids = EntitiesOf(*scope->operand);
      if (!uids) return;  // its operand failed
      conditions.erase(conditions.begin() + (scope - said.begin()));
      for (const cedar::EntityUid& uid : *uids) BindResource(p, kind, uid, conditions);
      return;
    }
    Add(WithScope(p, Scope::kIs, {resource_type_, ""}), conditions);
  }

  void BindResource(const Permission& p, Kind kind, const cedar::EntityUid& uid, const std::vector<ExprPtr>& conditions) {
    const bool equal = kind != Kind::kIn || !catalog_.schema().MayBeDescendant(resource_type_, uid.type);
    if (equal && uid.type != resource_type_) return;
    // Nothing is allowed on what nobody knows (decision.cc), so nothing is given on it.
    if (equal && catalog_.NeedsData(uid.type) && !catalog_.IsFromPep(uid.type) && entities_.Find(uid) == nullptr) return;
    Add(WithScope(p, equal ? Scope::kEqual : Scope::kIn, uid), conditions);
  }

  Permission WithScope(Permission p, Scope scope, cedar::EntityUid resource) const {
    p.scope = scope;
    p.resource = std::move(resource);
    if (scope == Scope::kIn) p.member_type = resource_type_;
    return p;
  }

  // What is left of a condition for the resources of a permission.
  ExprPtr For(const Permission& p, const ExprPtr& condition) const {
    if (p.scope == Scope::kEqual) return ForResource(condition, p.resource, entities_);
    if (p.scope == Scope::kIn) return ForMembers(condition, p.resource, entities_);
    return condition;
  }

  void Add(Permission p, const std::vector<ExprPtr>& conditions) {
    for (const ExprPtr& c : conditions) {
      const ExprPtr left = For(p, c);
      if (cedar::IsFalse(*left)) return;
      if (!cedar::IsTrue(*left)) p.conditions.push_back(cedar::ToString(*left));
    }
    for (const BoundForbid& forbid : forbids_) {
      if (!forbid.residual) return;
      const ExprPtr left = For(p, forbid.residual);
      if (cedar::IsFalse(*left)) continue;
      const bool always = cedar::IsTrue(*left);
      if (forbid.rule->lift) {
        const Lift& lift = *forbid.rule->lift;
        p.obligations.push_back({lift.kind, lift.count, forbid.rule->policy->id, always ? "" : cedar::ToString(*left)});
      } else if (always) {
        return;
      } else {
        p.conditions.push_back(cedar::ToString(*Not(left)));
      }
    }
    set_.permissions.push_back(std::move(p));
  }

  const Catalog& catalog_;
  const cedar::Entity& task_;
  const cedar::EntityView& entities_;
  cedar::EntityUid action_;
  std::string resource_type_;
  std::vector<BoundForbid> forbids_;
  PermissionSet set_;
};

template <class T>
void Append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// The permission that says what both say about resources; nothing where that is not certain.
const Permission* Narrower(const Permission& a, const Permission& b) {
  if (a.scope == b.scope && a.resource == b.resource && a.member_type == b.member_type) return &a;
  auto within = [](const Permission& narrow, const Permission& wide) {
    if (wide.scope != Scope::kIs) return false;
    return narrow.scope == Scope::kEqual ? narrow.resource.type == wide.resource.type
                                         : narrow.scope == Scope::kIn && narrow.member_type == wide.resource.type;
  };
  if (within(a, b)) return &a;
  return within(b, a) ? &b : nullptr;
}

}  // namespace

PermissionSet PermissionsOf(const Catalog& catalog, const cedar::Entity& task, const cedar::EntityView& entities) {
  cedar::OverlayEntities with_task(entities);
  with_task.Add(std::make_shared<const cedar::Entity>(task));
  const ImpliedEntities view(with_task, catalog.schema());
  return Binder(catalog, task, view).Bind();
}

PermissionSet Intersect(const PermissionSet& a, const PermissionSet& b) {
  PermissionSet both;
  for (const Permission& pa : a.permissions) {
    for (const Permission& pb : b.permissions) {
      if (pa.action != pb.action) continue;
      const Permission* narrower = Narrower(pa, pb);
      if (narrower == nullptr) continue;
      Permission p = *narrower;
      const Permission& other = narrower == &pa ? pb : pa;
      Append(p.conditions, other.conditions);
      Append(p.obligations, other.obligations);
      Append(p.policies, other.policies);
      both.permissions.push_back(std::move(p));
    }
  }
  both.Normalise();
  return both;
}

}  // namespace remit::task
