// The broker's registry as identity wants to see it.
#pragma once

#include "broker/broker.h"
#include "identity/directory.h"

namespace remit::api {

class BrokerDirectory final : public identity::Directory {
 public:
  explicit BrokerDirectory(const broker::Broker& broker) : broker_(broker) {}

  std::optional<identity::RegisteredActor> FindActor(const cedar::EntityUid& uid) const override;
  std::optional<identity::RegisteredActor> FindActorByClientId(const std::string& client_id) const override;
  std::optional<identity::RegisteredActor> FindActorByUnixUid(std::uint32_t uid) const override;
  std::optional<identity::RegisteredPerson> FindPerson(const cedar::EntityUid& uid) const override;
  identity::Caller FindHandle(std::string_view handle) const override { return broker_.FindHandle(handle); }
  // The operator always, for whoever is locked out; others with the verb `administer`.
  Status MayMakeLinks(const identity::Caller& by) const override;

 private:
  const broker::Broker& broker_;
};

}  // namespace remit::api
