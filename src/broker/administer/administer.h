// Who may change the server itself (the verbs on Remit::Server), and what nobody may do: lock everybody out.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/administer/admin_call.h"
#include "broker/live/fact_set.h"
#include "task/decision.h"

namespace remit::broker {

class Core;

class Administration {
 public:
  explicit Administration(Core& core) : core_(core) {}

  // Asks the catalog in force about a verb on Remit::Server; without a catalog a deny. `approved`: how many people said yes.
  task::Decision AskServer(const cedar::EntityUid& who, std::string_view verb, std::uint32_t approved = 0);
  // Whether it is still the operator's: no person who is registered could load a catalog, alone or with the yes of others.
  bool SetUpIsOpen() const;
  // The policies but for which somebody could load a catalog: an `@after_uses` that an earlier version of Remit took on a verb whose uses nobody
  // counts, and which therefore forbids it for ever. Empty: it is somebody's, or nobody's for another reason. While there are some, the operator
  // administers.
  std::vector<std::string> LockedBy() const;
  // Whether somebody besides `without` (null: nobody is left out) could still load a catalog if these were in force. Errors: `locks-everybody-out`.
  Status KeepsAnAdministrator(const task::Catalog& catalog, const FactSet& known, const cedar::EntityUid* without) const;
  // How many people must say yes before the change may be made; 0: now. What only takes away never waits, and a change that people said yes to
  // gets 0 or an error. Errors: `administration-denied`, `set-up-is-over`, `session-too-old`; of what was approved: `unknown-approval`,
  // `request-changed`, `not-approved`.
  Result<std::uint32_t> Authorise(const AdminCall& call);
  // The catalog and facts that are on their way into the store: nobody is taken away who alone could load under them. Null: none are, or such as may
  // lock everybody out.
  void Expect(std::shared_ptr<const task::Catalog> catalog, std::shared_ptr<const FactSet> known);

 private:
  bool SomebodyMayLoad(const task::Catalog& catalog, const FactSet& known, const cedar::EntityUid* without,
                       std::uint32_t uses = task::kUncounted) const;

  Core& core_;
  std::shared_ptr<const task::Catalog> coming_catalog_;
  std::shared_ptr<const FactSet> coming_facts_;
};

}  // namespace remit::broker
