// Facts: checked against the catalog in force, and in force themselves after their commit.
#pragma once

#include "broker/administer/admin_call.h"

namespace remit::broker {

class Core;

class FactChanges {
 public:
  explicit FactChanges(Core& core) : core_(core) {}

  // In its turn (SetUp::OneAtATime); answers whether its commit is on its way. What tasks hold beyond the new facts ends after it.
  // Errors: those of Broker::PutFacts.
  bool Change(AdminCall call, const json::Value& entities, bool replace, const FactsOrigin& origin, Answer<FactsAnswer> answer);

  // What waits for people, as a document, and such a document made.
  static json::Value Content(const json::Value& entities, bool replace, const FactsOrigin& origin);
  bool Make(AdminCall call, const json::Value& content, Answer<FactsAnswer> answer);

 private:
  Core& core_;
};

}  // namespace remit::broker
