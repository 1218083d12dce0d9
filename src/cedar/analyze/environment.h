// One action with one type of principal and one of resource: is there a request on which each side answers as wanted?
#pragma once

#include <string>
#include <vector>

#include "cedar/analysis.h"

namespace remit::cedar::analyze {

struct Side {
  const BoundPolicies* policies = nullptr;
  bool allows = true;  // what is wanted of it
};

struct RequestTypes {
  const ActionType* action = nullptr;
  std::string principal, resource;
};

struct Finding {
  enum class Kind { kImpossible, kExample, kUnknown } kind = Kind::kImpossible;
  std::optional<Counterexample> example;
  std::string why;
  std::size_t work = 0;
};

// INVARIANT: kImpossible only if there is none; kExample only with one that the authorizer has answered as wanted.
Finding Look(const RequestTypes& types, const std::vector<Side>& sides, const Schema& schema, const AnalysisOptions& options);

}  // namespace remit::cedar::analyze
