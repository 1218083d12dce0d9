// One policy set, one store of entities and some requests, ready to be decided again and again: what `cedar bench` measures.
#pragma once

#include <vector>

#include "cedar/authorizer.h"
#include "cedar/entities.h"

namespace remit::cedar::command {

class Decider {
 public:
  // Both must outlive this.
  Decider(const PolicySet& set, const Entities& entities, std::vector<Request> requests)
      : set_(set), entities_(entities), requests_(std::move(requests)) {}

  Response Answer(std::size_t request) const { return set_.IsAuthorized(requests_[request], entities_); }

  // Decision, determining policies and errors, into memory that is used again.
  void Full(std::size_t request) {
    set_.Decide(requests_[request], entities_, answer_);
    Keep(answer_.allowed);
  }
  // The same with copies of ids, as who keeps an answer needs them.
  void Copied(std::size_t request) const { Keep(Answer(request).allowed); }
  // The decision alone.
  void DecisionOnly(std::size_t request) const { Keep(set_.IsAllowed(requests_[request], entities_)); }

 private:
  // Whoever optimises must think that the value is looked at.
  static void Keep(bool value) { asm volatile("" : : "g"(value) : "memory"); }

  const PolicySet& set_;
  const Entities& entities_;
  std::vector<Request> requests_;
  cedar::Answer answer_;
};

}  // namespace remit::cedar::command
