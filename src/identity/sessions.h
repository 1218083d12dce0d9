// Sessions of actors (PEPs, pipelines) and of people, and the sign-in links that people's sessions begin with.
//
// All are opaque handles (handle.h) with a row of the store each, so that they survive a restart, and a copy in memory, so that a request
// never waits for the disk. Making a link, redeeming one, and making or ending a session are each one commit with an event of the ledger.
//
// INVARIANT: a session or link that ends is gone from memory before its end is committed, and one that begins is there only after its
// commit. An end that the store refuses stays ended in memory and is written with the next commit.
//
// Whether the owner is still registered and not barred is asked by the Authenticator on each request. Thread-safe throughout; answers come
// once, often on the store's thread, and must not block.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/rng.h"
#include "base/secret.h"
#include "identity/caller.h"
#include "identity/directory.h"
#include "store/store.h"

namespace remit::identity {

// A handle that was just made: a session, or a sign-in link's code. The only time that anybody sees it.
struct Minted {
  Secret handle;
  std::string session;     // ses_…, its public name
  cedar::EntityUid owner;  // the actor or person
  Time expires{};
};

struct Session {
  std::string id;  // ses_…
  cedar::EntityUid owner;
  Time began{}, expires{};
};

class Sessions {
 public:
  template <class T>
  using Answer = std::function<void(Result<T>)>;

  // Reads what is alive from the store. Everything given must outlive it. Errors: the store's, `store-corrupt`.
  static Result<std::unique_ptr<Sessions>> Open(store::Store& store, const Clock& clock, Rng& rng, const Directory& directory);

  // A session of 15 minutes, for an actor who has just proved who it is. Event "actor.signed-in". Errors: the store's.
  void StartActorSession(const cedar::EntityUid& actor, Answer<Minted> answer);

  // A sign-in link for one registered person: good once, ten minutes; an earlier one of the person is dead from now on. Whom the
  // directory lets make them. Event "person.link-made". Errors: `forbidden`, `unknown-person`, `barred`, the store's.
  void MakeLink(const Caller& by, const cedar::EntityUid& person, Answer<Minted> answer);

  // Gives the code of a link up for a session of 8 hours. Event "person.signed-in". Errors: `bad-sign-in-code` (kUnauthenticated) for
  // one that is malformed, unknown, used, expired or of a person who may no longer sign in, without saying which; the store's (the
  // code may then be tried again).
  void Redeem(std::string_view code, Answer<Minted> answer);

  // The living session of this handle. Malformed, unknown, ended, expired and links: none.
  std::optional<Session> FindActorSession(std::string_view handle, Time now) const;
  std::optional<Session> FindPersonSession(std::string_view handle, Time now) const;

  // Ends a session by its public name. One that is not there has ended already. Event "session.ended". Errors: the store's.
  void End(const std::string& session, const std::string& why, std::function<void(Status)> answer);

  // Ends all sessions and links of an actor or person (barred, or with a new key).
  void EndAllOf(const cedar::EntityUid& owner, const std::string& why, std::function<void(Status)> answer);

  std::size_t CountOf(const cedar::EntityUid& owner) const;  // sessions and links of one

  std::size_t size() const;  // sessions and links in memory, expired ones that were not yet cleared away included

 private:
  struct Impl;
  explicit Sessions(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace remit::identity
