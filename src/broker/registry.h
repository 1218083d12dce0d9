// Who is registered: actors and people.
#pragma once

#include <map>
#include <string>

#include "broker/admin_call.h"

namespace remit::broker {

class Core;

class Registry {
 public:
  explicit Registry(Core& core) : core_(core) {}

  void ChangeActor(const AdminCall& call, ActorRecord actor, Answer<json::Value> answer);
  void ChangePerson(const AdminCall& call, PersonRecord person, Answer<json::Value> answer);
  void Register(ActorRecord actor);
  std::uint64_t RegistryChanges(store::Batch& batch);
  std::map<cedar::EntityUid, ActorRecord> actors;
  std::map<std::string, cedar::EntityUid> actors_by_client;
  std::map<std::uint32_t, cedar::EntityUid> actors_by_unix_uid;
  std::map<cedar::EntityUid, PersonRecord> people;

 private:
  void Ask(const AdminCall& call, std::uint32_t needed, const json::Value& content, Answer<json::Value> answer);
  std::uint64_t changes_ = 0;

  Core& core_;
};

// The registry's rows, as ActorJson and PersonJson (views.h) wrote them.
Result<ActorRecord> ActorFromJson(const json::Value& document);

Result<PersonRecord> PersonFromJson(const json::Value& document);

}  // namespace remit::broker
