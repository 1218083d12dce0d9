// Who is registered: actors and people.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/administer/admin_call.h"

namespace remit::broker {

class Core;

class Registry {
 public:
  explicit Registry(Core& core) : core_(core) {}

  // Each asks who may, waits for people where the catalog says so (the answer then holds `approval`), writes the row and its event in one commit,
  // and answers with the row. Who is barred is so before the commit, and what waits about them ends; who is let in is so only after it.
  // Errors: those of Administration::Authorise, `no-catalog`, the store's; of an actor `not-an-actor-type`, `client-id-taken`, `unix-uid-taken`,
  // those of its key and its accounts, `bad-owner`, `bad-vouch`, `bad-audience`; of a person `not-a-person-type`, `locks-everybody-out`.
  void ChangeActor(const AdminCall& call, ActorRecord actor, Answer<json::Value> answer);
  void ChangePerson(const AdminCall& call, PersonRecord person, Answer<json::Value> answer);
  // Takes an actor into memory, in the place of what was registered as the same.
  void Register(ActorRecord actor);
  // The number of a change of who is registered; the batch says that there was one.
  std::uint64_t CountChange(store::Batch& batch);
  // Somebody was barred by this change: what was on its way into the store before it gives nothing back.
  void NoteBar(const cedar::EntityUid& who, std::uint64_t change) { barred_by_[who] = change; }
  bool WasOvertaken(const cedar::EntityUid& who, std::uint64_t change) const;  // by a bar

  // To be read; an actor is changed by Register alone, which keeps these together.
  std::map<cedar::EntityUid, ActorRecord> actors;
  std::map<std::string, cedar::EntityUid> actors_by_client;
  std::map<std::uint32_t, cedar::EntityUid> actors_by_unix_uid;
  std::map<cedar::EntityUid, PersonRecord> people;

 private:
  struct Registered {
    std::string_view kind;  // "actor" or "person"
    store::Table table;
    cedar::EntityUid uid;
    bool barred = false;
    json::Value row;
    std::vector<store::Write> also = {};     // rows that belong to it
    std::vector<std::string> accounts = {};  // that are declared or taken off: StandingAccess::Move
    json::Object told = {};                  // in its event, besides who it is and whether barred
  };
  // `keep` puts it into memory.
  void WriteDown(const AdminCall& call, const Registered& who, std::function<void()> keep, Answer<json::Value> answer);
  Status CheckOwner(const ActorRecord& said) const;
  Status CheckVouches(const ActorRecord& said) const;
  void Ask(const AdminCall& call, std::uint32_t needed, const json::Value& content, Answer<json::Value> answer);

  Core& core_;
  std::uint64_t changes_ = 0;
  std::map<cedar::EntityUid, std::uint64_t> barred_by_;  // the number of the change
};

// The registry's rows, as ActorJson and PersonJson (views.h) wrote them. Errors: those of a strict reader.
Result<ActorRecord> ActorFromJson(const json::Value& document);
Result<PersonRecord> PersonFromJson(const json::Value& document);

}  // namespace remit::broker
