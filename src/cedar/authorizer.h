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

// The same without copies: policies themselves instead of their ids. One that is used again keeps its memory, so that a decision in which
// no policy fails allocates nothing. The policies live as long as the set.
struct Answer {
  bool allowed = false;
  std::vector<const Policy*> determining;                     // sorted by id
  std::vector<std::pair<const Policy*, std::string>> errors;  // sorted by id; with the message
};

// Every policy's own result, for hosts that add a meaning of their own to some policies (Remit's obligations).
struct Evaluation {
  std::vector<const Policy*> permits;  // satisfied; these lists are in order of the policies
  std::vector<const Policy*> forbids;  // satisfied
  std::vector<std::pair<const Policy*, std::string>> errors;
};

// Policies compiled for evaluation: an index over their scopes, then their conditions as flat code. The cost of a decision follows the
// policies whose scopes the request satisfies, not how many there are, over `Entities` (which are numbered once, when they are built). Over
// another view that lists ancestors it is a few times that; one that does not is asked of each group that scopes name behind `in`.
// Immutable; thread-safe; copies share.
//
// Who replaces policies or entities while others decide keeps both in one shared_ptr<const …>, and publishes a new one: readers take the
// pointer once a request (std::atomic<std::shared_ptr>, or a copy for each thread), and never see half of a change.
class PolicySet {
 public:
  PolicySet() = default;

  // Errors: `duplicate-policy`; `not-supported` for templates that are not linked.
  static Result<PolicySet> Build(std::vector<PolicyPtr> policies);

  const std::vector<PolicyPtr>& policies() const;

  // Decision, reasons and errors.
  Response IsAuthorized(const Request& request, const EntityView& entities) const;
  void Decide(const Request& request, const EntityView& entities, Answer& answer) const;  // what was in `answer` goes

  // The decision alone, which is known as soon as one forbid is satisfied. Allocates nothing, unless a condition makes a set, a record or an
  // extension value on the way.
  bool IsAllowed(const Request& request, const EntityView& entities) const;

  Evaluation Evaluate(const Request& request, const EntityView& entities) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

// Evaluates one expression. The error is the policy's: reason `evaluation-error`.
Result<Value> EvaluateExpr(const Expr& expr, const Request& request, const EntityView& entities);

}  // namespace remit::cedar
