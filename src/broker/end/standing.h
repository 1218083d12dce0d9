// What an actor holds outside of tasks: its declared accounts, and what became of them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live/live_task.h"

namespace remit::broker {

class Core;
struct Offboarding;

class StandingAccess {
 public:
  explicit StandingAccess(Core& core) : core_(core) {}

  // Whether these can be an actor's: TARGET/ROLE, each once, at targets that are here or were when they were declared. Errors: `bad-account`.
  Status CheckAccounts(const ActorRecord& actor) const;
  // Has the hook take away what the accounts of who is offboarded hold, and tells Offboarder::Arrived. What is not looked at is open, and named.
  void LookAtStanding(const std::shared_ptr<Offboarding>& state);

  // Has the hook see which roles these are, and note it: all of them, or those of which nothing is noted. Answers what it says, after 5 s at the
  // latest; nothing where there is no hook. Errors: `accounts-unseen` after that time, where not all are looked at.
  void See(std::vector<std::string> accounts, bool all, Answer<json::Array> answer);
  // An answer that has these seen before it goes on to `answer`: its `accounts_seen`.
  Answer<json::Value> ThenSee(std::vector<std::string> accounts, Answer<json::Value> answer);
  // The same for all that are declared and of which nothing is noted, with nobody waiting: at the start, and with each sweep. One at a time.
  void LookForTheUnknown();
  std::vector<std::string> Declared() const;  // accounts of all actors, each once
  // For the commit that makes an actor this one: notes of accounts that nobody had before it, or nobody has after it.
  std::vector<store::Write> NotesThatGo(const ActorRecord& after) const;

  // Which declaration of an account this is: what somebody saw belongs to the one that there was when he began to look. None while nobody declares
  // it, or a change of that is on its way into the store: what is written then would come after what goes with the change.
  std::optional<std::uint64_t> DeclarationOf(const std::string& account) const;
  // Around that commit: accounts that the actor did not have before it, or has not after it. Behind it: Moved.
  std::vector<std::string> Move(const ActorRecord& after);
  void Moved(const std::vector<std::string>& accounts);

 private:
  struct Look;
  struct Declaration {
    std::uint64_t number = 0;
    std::size_t on_their_way = 0;  // changes
  };

  Core& core_;
  bool looking_ = false;
  std::map<std::string, Declaration> declarations_;  // of what was declared or taken off in this process; else the number is 0
};

}  // namespace remit::broker
