// See broker_directory.h.
#include "api/broker_directory.h"

namespace remit::api {
namespace {

std::optional<identity::RegisteredActor> ToActor(std::optional<broker::ActorRecord> record) {
  if (!record.has_value()) return std::nullopt;
  return identity::RegisteredActor{std::move(record->uid), std::move(record->client_id), std::move(record->jwk), record->barred};
}

}  // namespace

std::optional<identity::RegisteredActor> BrokerDirectory::FindActor(const cedar::EntityUid& uid) const { return ToActor(broker_.FindActor(uid)); }

std::optional<identity::RegisteredActor> BrokerDirectory::FindActorByClientId(const std::string& client_id) const {
  return ToActor(broker_.FindActorByClientId(client_id));
}

std::optional<identity::RegisteredActor> BrokerDirectory::FindActorByUnixUid(std::uint32_t uid) const {
  return ToActor(broker_.FindActorByUnixUid(uid));
}

std::optional<identity::RegisteredPerson> BrokerDirectory::FindPerson(const cedar::EntityUid& uid) const {
  const auto person = broker_.FindPerson(uid);
  if (!person.has_value()) return std::nullopt;
  return identity::RegisteredPerson{person->uid, person->barred};
}

Status BrokerDirectory::MayMakeLinks(const identity::Caller& by) const {
  if (by.Is(identity::Caller::Kind::kOperator)) return {};
  return broker_.MayAdminister(by, "administer");
}

}  // namespace remit::api
