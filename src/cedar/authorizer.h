// The decision. A request is allowed if at least one permit is satisfied and no forbid is; a policy that errors is not satisfied.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cedar/ast.h"
#include "cedar/entities.h"

namespace remit::cedar {

struct Request {
  EntityUid principal, action, resource;
  Value context = Value::FromRecord({});
};

// A policy failed while it was evaluated: the second error channel, part of an answer and never of a Result.
struct PolicyError {
  std::string policy;  // id
  std::string message;
};

struct Response {
  bool allowed = false;
  std::vector<std::string> determining;  // ids, sorted: the satisfied forbids of a deny, the satisfied permits of an allow
  std::vector<PolicyError> errors;       // sorted by id
};

// Every policy's own result, for hosts that add a meaning of their own to some policies (Remit's obligations).
struct Evaluation {
  std::vector<const Policy*> permits;  // satisfied; these lists are in order of the policies
  std::vector<const Policy*> forbids;  // satisfied
  std::vector<std::pair<const Policy*, std::string>> errors;
};

// Policies compiled for evaluation: scopes first, by action and by principal and resource type, then conditions. Immutable;
// thread-safe; copies share.
class PolicySet {
 public:
  PolicySet() = default;

  // Errors: `duplicate-policy`; `not-supported` for templates that are not linked.
  static Result<PolicySet> Build(std::vector<PolicyPtr> policies);

  const std::vector<PolicyPtr>& policies() const;

  Response IsAuthorized(const Request& request, const EntityView& entities) const;
  Evaluation Evaluate(const Request& request, const EntityView& entities) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

// Evaluates one expression. The error is the policy's: reason `evaluation-error`.
Result<Value> EvaluateExpr(const Expr& expr, const Request& request, const EntityView& entities);

}  // namespace remit::cedar
