// Names of the scope, then those of the conditions in source order.
#include "cedar/validate/names_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cedar/language/shown.h"
#include "cedar/validator.h"

namespace remit::cedar {
namespace {

std::string DidYouMean(const std::string& near) { return near.empty() ? "" : fmt::format("did you mean `{}`?", near); }

class NameChecker {
 public:
  NameChecker(const Schema& schema, std::vector<Diagnostic>& findings) : schema_(schema), findings_(findings) {}

  void CheckScope(const ScopeConstraint& scope) {
    if (!scope.type.empty()) CheckType(scope.type, scope.span);
    for (const EntityUid& uid : scope.entities) CheckUid(uid, scope.span);
  }

  void Check(const Expr& expr) {
    if (findings_.size() > kMostFindings) return;  // each look for a similar name takes its time
    if (expr.op == Op::kLiteral && expr.literal.Is(Value::Kind::kEntity)) CheckUid(expr.literal.AsEntity(), expr.span);
    if (expr.op == Op::kIs || expr.op == Op::kIsIn) CheckType(expr.name, expr.span);
    for (const ExprPtr& argument : expr.args) Check(*argument);
    for (const auto& [name, value] : expr.fields) Check(*value);
  }

 private:
  void CheckUid(const EntityUid& uid, const Span& span) {
    if (IsActionType(uid.type)) return CheckAction(uid, span);
    const EntityType* type = schema_.FindEntityType(uid.type);
    if (type == nullptr) return CheckType(uid.type, span);
    if (type->enumeration.empty() || std::ranges::find(type->enumeration, uid.id) != type->enumeration.end()) return;
    Report(span, "unknown-entity", fmt::format("`{}` is not one of the entities that `{}` lists", uid.ToString(), uid.type),
           DidYouMean(Nearest(uid.id, type->enumeration)));
  }

  // The right action may be meant with the wrong type, as without its namespace.
  void CheckAction(const EntityUid& uid, const Span& span) {
    if (schema_.FindAction(uid) != nullptr) return;
    std::vector<std::string> known;
    for (const auto& [action, type] : schema_.actions()) {
      if (action.id == uid.id) {
        known = {action.ToString()};
        break;
      }
      known.push_back(action.ToString());
    }
    const std::string near = known.size() == 1 && known.front().ends_with(Quote(uid.id)) ? known.front() : Nearest(uid.ToString(), known);
    Report(span, "unknown-action", fmt::format("unknown action `{}`", uid.ToString()), DidYouMean(near));
  }

  void CheckType(const std::string& name, const Span& span) {
    if (schema_.FindEntityType(name) != nullptr || IsActionType(name)) return;
    std::vector<std::string> known;
    for (const auto& [type, declared] : schema_.entity_types()) known.push_back(type);
    std::string near = Nearest(name, known);
    // Left out: the namespace.
    for (const std::string& type : known) {
      if (near.empty() && type.ends_with("::" + name)) near = type;
    }
    Report(span, "unknown-entity-type", fmt::format("unknown entity type `{}`", name), DidYouMean(near));
  }

  void Report(const Span& span, std::string_view reason, std::string message, std::string hint) {
    findings_.push_back(Finding(span, reason, Shown(message, kShownOfFinding), Shown(hint, kShownOfFinding)));
  }

  const Schema& schema_;
  std::vector<Diagnostic>& findings_;
};

}  // namespace

void CheckNames(const Schema& schema, const Policy& policy, std::vector<Diagnostic>& findings) {
  NameChecker checker(schema, findings);
  for (const ScopeConstraint* scope : {&policy.principal, &policy.action, &policy.resource}) checker.CheckScope(*scope);
  for (const Policy::Condition& condition : policy.conditions) checker.Check(*condition.body);
}

}  // namespace remit::cedar
