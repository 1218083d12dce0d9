// Who may change the server itself (the verbs on Remit::Server), and what nobody may do: lock everybody out.
#pragma once

#include <memory>
#include <string_view>

#include "broker/admin_call.h"
#include "broker/fact_set.h"
#include "task/decision.h"

namespace remit::broker {

class Core;

class Administration {
 public:
  explicit Administration(Core& core) : core_(core) {}

  task::Decision AskServer(const cedar::EntityUid& who, std::string_view verb, std::uint32_t approved = 0);
  bool SetUpIsOpen() const;
  bool WasOvertaken(const cedar::EntityUid& uid, std::uint64_t change) const;  // by a bar
  Status KeepsAnAdministrator(const task::Catalog& catalog, const FactSet& known, const cedar::EntityUid* without) const;
  Result<std::uint32_t> Authorise(const AdminCall& call);
  // The catalog and facts that are on their way into the store, but for those that may lock everybody out; else null.
  std::shared_ptr<const task::Catalog> coming_catalog;
  std::shared_ptr<const FactSet> coming_facts;

 private:
  bool SomebodyMayLoad(const task::Catalog& catalog, const FactSet& known, const cedar::EntityUid* without) const;

  Core& core_;
};

}  // namespace remit::broker
