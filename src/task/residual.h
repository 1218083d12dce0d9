// Residuals of partial evaluation, taken apart: into the ways in which one can be satisfied, each a list of conditions of which all must
// hold, and each condition into what it says about the resource.
//
// Cedar evaluates from left to right and a policy that fails with an error is not satisfied. So a later way counts only where no earlier
// condition can fail with an error first; a way for which that is not certain is not `exact`.
#pragma once

#include <optional>
#include <vector>

#include "cedar/ast.h"
#include "cedar/entities.h"

namespace remit::task {

struct Alternative {
  std::vector<cedar::ExprPtr> conditions;
  bool exact = true;  // where all conditions hold, the residual is certainly true; else it may fail with an error instead
};

// None for `false`; one without conditions for `true`. Nothing where there would be more than limits::kPolicyAlternatives. While the task
// is not known, what is said about it alone is taken as free of errors: it is decided, errors and all, before anything is bound.
std::optional<std::vector<Alternative>> Alternatives(const cedar::ExprPtr& residual, bool task_known);

// What one condition says.
struct Condition {
  enum class Kind {
    kTask,      // nothing about resource and context: decided as soon as the task is known
    kEqual,     // resource == operand, operand without resource and context
    kMember,    // operand.contains(resource): the resource is one of a set
    kIn,        // resource in operand (an entity, or a set of which one contains it)
    kResource,  // something else about the resource, e.g. its attributes
    kContext,   // something about the context (and maybe the resource)
  } kind = Kind::kTask;
  cedar::ExprPtr operand;  // kEqual, kMember, kIn
};
Condition Classify(const cedar::ExprPtr& condition);

bool MentionsTask(const cedar::Expr& expr);  // `principal`
bool CannotFail(const cedar::Expr& expr);    // certainly no error, given that it is well typed

// The residual for a resource that is known by name: `==`, `in` and `contains` about it are decided, by the hierarchy of `entities`;
// conditions on its attributes stay. Keeps the residual's errors: what could fail before still can, or is equally unsatisfied.
cedar::ExprPtr ForResource(const cedar::ExprPtr& residual, const cedar::EntityUid& resource, const cedar::EntityView& entities);

// The same for any resource in a container: decides only what then holds for all of them.
cedar::ExprPtr ForMembers(const cedar::ExprPtr& residual, const cedar::EntityUid& container, const cedar::EntityView& entities);

// The entities that an operand stands for once the task is known: a literal entity, or a set of them. Nothing where it is neither.
std::optional<std::vector<cedar::EntityUid>> EntitiesOf(const cedar::Expr& operand);

cedar::ExprPtr Not(const cedar::ExprPtr& expr);

}  // namespace remit::task
