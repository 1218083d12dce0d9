// Two walks: over all that is evaluated, and from an entity that is read back to where the way to it began, counting the steps. What stands
// in several steps is walked in the first: the findings of a node are the same each time.
#include "cedar/validate/level.h"

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

namespace remit::cedar {
namespace {

using Kind = StaticType::Kind;

class LevelChecker {
 public:
  LevelChecker(const TypedTree& tree, const EntityUid& action, unsigned level, std::vector<Diagnostic>& findings)
      : tree_(tree), action_(action), level_(level), findings_(findings) {}

  void Walk(const Expr& expr) {
    if (!walked_.insert(&expr).second) return;
    switch (expr.op) {
      case Op::kLiteral:
      case Op::kVar:
      case Op::kSlot:
      case Op::kUnknown: return;
      case Op::kAnd:
        Walk(*expr.args[0]);
        if (!Is(*expr.args[0], Kind::kFalse)) Walk(*expr.args[1]);
        return;
      case Op::kOr:
        Walk(*expr.args[0]);
        if (!Is(*expr.args[0], Kind::kTrue)) Walk(*expr.args[1]);
        return;
      case Op::kIf:
        Walk(*expr.args[0]);
        if (!Is(*expr.args[0], Kind::kFalse)) Walk(*expr.args[1]);
        if (!Is(*expr.args[0], Kind::kTrue)) Walk(*expr.args[2]);
        return;
      case Op::kHas: return WalkHas(expr);
      case Op::kGetAttr: return WalkAttribute(expr);
      case Op::kHasTag:
      case Op::kGetTag:
      case Op::kIn: return WalkDereference(expr);
      case Op::kIsIn:
        Walk(*expr.args[0]);
        if (MayBe(*expr.args[0], expr.name)) WalkDereference(expr);
        return;
      default: break;
    }
    for (const ExprPtr& argument : expr.args) Walk(*argument);
    for (const auto& [name, value] : expr.fields) Walk(*value);
  }

 private:
  const StaticType* Type(const Expr& expr) const {
    const auto found = tree_.types.find(&expr);
    return found == tree_.types.end() ? nullptr : found->second.get();
  }
  bool Is(const Expr& expr, Kind kind) const {
    const StaticType* type = Type(expr);
    return type != nullptr && type->kind == kind;
  }

  bool MayBe(const Expr& expr, const std::string& entity_type) const {
    const StaticType* type = Type(expr);
    return type != nullptr && (type->name == entity_type || std::ranges::find(type->others, entity_type) != type->others.end());
  }

  void WalkHas(const Expr& expr) {
    const auto expanded = tree_.expansions.find(&expr);
    if (expanded != tree_.expansions.end()) return Walk(*expanded->second);
    WalkAttribute(expr);
  }

  void WalkAttribute(const Expr& expr) {
    if (Is(*expr.args[0], Kind::kEntity)) {
      CheckSteps(expr, StepsTo(*expr.args[0], {}));
    } else {
      Walk(*expr.args[0]);
    }
  }

  void WalkDereference(const Expr& expr) {
    CheckSteps(expr, StepsTo(*expr.args[0], {}));
    Walk(*expr.args[1]);
  }

  void CheckSteps(const Expr& at, unsigned steps) {
    if (steps < level_) return;
    Report(at, "level-exceeded", fmt::format("reads entities {} steps from the request, where at most {} are allowed", steps + 1, level_),
           "let the request's context carry the value, or allow a higher level");
  }

  // How many entities are read on the way to the entity `expr`, which the attributes `path` (last first) of it lead to.
  unsigned StepsTo(const Expr& expr, std::vector<std::string> path) {
    switch (expr.op) {
      case Op::kVar: return 0;
      case Op::kLiteral:
        if (!expr.literal.Is(Value::Kind::kEntity) || expr.literal.AsEntity() != action_) ReportStart(expr);
        return 0;
      case Op::kIf: return StepsToBranches(expr, std::move(path));
      case Op::kGetAttr:
        if (Is(*expr.args[0], Kind::kEntity)) return StepsTo(*expr.args[0], std::move(path)) + 1;
        path.push_back(expr.name);
        return StepsTo(*expr.args[0], std::move(path));
      case Op::kGetTag: {
        const unsigned steps = StepsTo(*expr.args[0], std::move(path)) + 1;
        Walk(*expr.args[1]);
        return steps;
      }
      case Op::kRecord: return StepsToField(expr, std::move(path));
      default: ReportStart(expr); return 0;  // a slot
    }
  }

  unsigned StepsToBranches(const Expr& expr, std::vector<std::string> path) {
    Walk(*expr.args[0]);
    unsigned steps = 0;
    if (!Is(*expr.args[0], Kind::kFalse)) steps = StepsTo(*expr.args[1], path);
    if (!Is(*expr.args[0], Kind::kTrue)) steps = std::max(steps, StepsTo(*expr.args[2], std::move(path)));
    return steps;
  }

  unsigned StepsToField(const Expr& expr, std::vector<std::string> path) {
    std::string field;
    if (!path.empty()) field = std::move(path.back());
    if (!path.empty()) path.pop_back();
    unsigned steps = 0;
    for (const auto& [name, value] : expr.fields) {
      if (name == field) {
        steps = StepsTo(*value, path);
      } else {
        Walk(*value);
      }
    }
    return steps;
  }

  void ReportStart(const Expr& at) {
    Report(at, "literal-dereference", "reads an entity that the policy names itself, not one that the request leads to",
           "where levels are checked, entities are reached from `principal`, `action`, `resource` and `context`");
  }

  void Report(const Expr& at, std::string_view reason, std::string message, std::string_view hint) {
    findings_.push_back(Finding(at.span, reason, std::move(message), hint));
  }

  const TypedTree& tree_;
  const EntityUid& action_;
  const unsigned level_;
  std::vector<Diagnostic>& findings_;
  std::unordered_set<const Expr*> walked_;
};

}  // namespace

void CheckLevel(const Expr& condition, const TypedTree& tree, const EntityUid& action, unsigned level, std::vector<Diagnostic>& findings) {
  LevelChecker(tree, action, level, findings).Walk(condition);
}

}  // namespace remit::cedar
