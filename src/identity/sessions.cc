// See sessions.h. One mutex guards the tables; it is never held while the store is called.
#include "identity/sessions.h"

#include <algorithm>
#include <map>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/limits.h"
#include "identity/handle.h"
#include "identity/session_row.h"
#include "json/write.h"

namespace remit::identity {
namespace {

using Kind = SessionRow::Kind;

struct Form {
  std::string_view prefix;
  Duration life;
};
Form FormOf(Kind kind) {
  switch (kind) {
    case Kind::kActor: return {kActorSessionPrefix, limits::kActorSessionLife};
    case Kind::kPerson: return {kPersonSessionPrefix, limits::kPersonSessionLife};
    case Kind::kLink: return {kSignInCodePrefix, limits::kSignInLinkLife};
  }
  Panic("unknown kind of session", __FILE__, __LINE__);
}

// What is gone from memory and not yet from the store.
struct Ending {
  std::string key;
  std::string event;  // canonical JSON; empty: its time was over, which needs no event
};

std::unexpected<Error> BadCode() {
  return Fail(Code::kUnauthenticated, "bad-sign-in-code", "this sign-in link is not good: it was used, is too old, or never was one",
              "ask an administrator for a new one: remit person link PERSON");
}

}  // namespace

struct Sessions::Impl : std::enable_shared_from_this<Impl> {
  Impl(store::Store& s, const Clock& c, Rng& r, const Directory& d) : store(s), clock(c), rng(r), directory(d) {}

  store::Store& store;
  const Clock& clock;
  Rng& rng;
  const Directory& directory;

  mutable std::shared_mutex mutex;
  std::unordered_map<Hash, SessionRow, HandleHashHasher> rows;
  std::map<std::string, Hash> by_id;
  std::map<cedar::EntityUid, std::vector<Hash>> by_owner;  // oldest first
  std::multimap<Time, Hash> by_expiry;                     // may name rows that are gone
  std::vector<Ending> endings;
  std::map<cedar::EntityUid, std::uint64_t> ended_owners;  // whose all were ended, and how often

  void Insert(const Hash& hash, SessionRow row) {
    by_id[row.id] = hash;
    by_owner[row.owner].push_back(hash);
    by_expiry.emplace(row.expires, hash);
    rows.emplace(hash, std::move(row));
  }

  void Remove(const Hash& hash) {
    const auto it = rows.find(hash);
    if (it == rows.end()) return;
    by_id.erase(it->second.id);
    const auto owned = by_owner.find(it->second.owner);
    std::erase(owned->second, hash);
    if (owned->second.empty()) by_owner.erase(owned);
    rows.erase(it);
  }

  std::string EndEvent(const SessionRow& row, std::string_view why) const {
    return json::Canonical(json::Object{
        {"type", "session.ended"}, {"time", FormatTime(clock.Now())}, {"session", row.id}, {"owner", row.owner.ToString()}, {"reason", why}});
  }

  void EndRow(const Hash& hash, std::string_view why) {
    const auto it = rows.find(hash);
    if (it == rows.end()) return;
    endings.push_back({HandleKey(hash), EndEvent(it->second, why)});
    Remove(hash);
  }

  // Clears away what has expired, then moves all ends that wait into the batch.
  std::vector<Ending> TakeEndings(store::Batch& batch, Time now) {
    while (!by_expiry.empty() && by_expiry.begin()->first <= now) {
      const Hash hash = by_expiry.begin()->second;
      by_expiry.erase(by_expiry.begin());
      if (!rows.contains(hash)) continue;
      endings.push_back({HandleKey(hash), ""});
      Remove(hash);
    }
    std::vector<Ending> taken = std::exchange(endings, {});
    for (const Ending& ending : taken) {
      batch.writes.push_back({store::Table::kSession, ending.key, std::nullopt});
      if (!ending.event.empty()) batch.events.push_back(ending.event);
    }
    return taken;
  }

  void PutBack(std::vector<Ending> taken) {
    std::unique_lock lock(mutex);
    endings.insert(endings.end(), std::make_move_iterator(taken.begin()), std::make_move_iterator(taken.end()));
  }

  std::uint64_t EndedSoFar(const cedar::EntityUid& owner) const {
    const auto it = ended_owners.find(owner);
    return it == ended_owners.end() ? 0 : it->second;
  }

  // Makes a handle of this kind in one commit with `batch`. `failed` runs before the answer if the commit fails.
  void Mint(Kind kind, const cedar::EntityUid& owner, std::string_view event_type, std::string_view by, store::Batch batch,
            std::function<void(const Error&)> failed, Answer<Minted> answer) {
    const Time now = clock.Now();
    const Form form = FormOf(kind);
    Minted minted{RandomSecret(rng, form.prefix), NewId(kSessionPrefix, now, rng), owner, now + form.life};
    const Hash hash = HandleHash(minted.handle.Reveal());
    SessionRow row{kind, minted.session, owner, now, minted.expires};

    batch.writes.push_back({store::Table::kSession, HandleKey(hash), row.Encode()});
    json::Object event{
        {"type", event_type}, {"time", FormatTime(now)}, {"session", row.id}, {"owner", owner.ToString()}, {"expires", FormatTime(row.expires)}};
    if (!by.empty()) event.Set("by", by);
    batch.events.push_back(json::Canonical(event));

    std::vector<Ending> taken;
    std::uint64_t ended = 0;
    {
      std::unique_lock lock(mutex);
      EndOlder(kind, owner);
      taken = TakeEndings(batch, now);
      ended = EndedSoFar(owner);
    }
    store.Commit(std::move(batch), [self = shared_from_this(), hash, row = std::move(row), minted = std::move(minted), taken = std::move(taken),
                                    ended, failed = std::move(failed), answer = std::move(answer)](Result<store::Committed> committed) mutable {
      if (!committed.has_value()) {
        self->PutBack(std::move(taken));
        if (failed) failed(committed.error());
        return answer(Fail(std::move(committed).error()));
      }
      bool overtaken = false;  // by the end of all that its owner has
      {
        std::unique_lock lock(self->mutex);
        overtaken = self->EndedSoFar(row.owner) != ended;
        self->Insert(hash, std::move(row));
        if (overtaken) self->EndRow(hash, "overtaken");
      }
      if (!overtaken) return answer(std::move(minted));
      self->CommitEndings([answer = std::move(answer)](Status) {
        answer(Fail(Code::kUnauthenticated, "bad-credentials", "all sessions of its owner were ended while this one was being made"));
      });
    });
  }

  // Makes room: a person has one link, and nobody more than kSessionsPerOwner sessions.
  void EndOlder(Kind kind, const cedar::EntityUid& owner) {
    const auto owned = by_owner.find(owner);
    if (owned == by_owner.end()) return;
    const std::vector<Hash> hashes = owned->second;
    if (kind == Kind::kLink) {
      for (const Hash& hash : hashes) {
        if (rows.at(hash).kind == Kind::kLink) EndRow(hash, "replaced");
      }
    }
    for (std::size_t i = 0; hashes.size() - i >= limits::kSessionsPerOwner; ++i) EndRow(hashes[i], "too-many-sessions");
  }

  void CommitEndings(std::function<void(Status)> answer) {
    store::Batch batch;
    batch.must_fit = true;
    std::vector<Ending> taken;
    {
      std::unique_lock lock(mutex);
      taken = TakeEndings(batch, clock.Now());
    }
    if (batch.writes.empty()) return answer({});
    store.Commit(std::move(batch),
                 [self = shared_from_this(), taken = std::move(taken), answer = std::move(answer)](Result<store::Committed> committed) mutable {
                   if (!committed.has_value()) {
                     self->PutBack(std::move(taken));
                     return answer(Fail(std::move(committed).error()));
                   }
                   answer({});
                 });
  }

  std::optional<Session> Find(std::string_view handle, Kind kind, Time now) const {
    if (!IsHandle(handle, FormOf(kind).prefix)) return std::nullopt;
    const Hash hash = HandleHash(handle);
    std::shared_lock lock(mutex);
    const auto it = rows.find(hash);
    if (it == rows.end() || it->second.kind != kind || it->second.expires <= now) return std::nullopt;
    return Session{it->second.id, it->second.owner, it->second.began, it->second.expires};
  }
};

Result<std::unique_ptr<Sessions>> Sessions::Open(store::Store& store, const Clock& clock, Rng& rng, const Directory& directory) {
  auto impl = std::make_shared<Impl>(store, clock, rng, directory);
  Status rows_read;
  const Status scanned = store.Scan(store::Table::kSession, "", [&](std::string_view key, std::string_view value) {
    auto row = SessionRow::Decode(value);
    auto bytes = HexDecode(key);
    if (!row.has_value()) {
      rows_read = Fail(std::move(row).error());
    } else if (!bytes.has_value() || bytes->size() != sizeof(Hash)) {
      rows_read = Fail(Code::kCorrupt, "store-corrupt", "a session's key is not a hash");
    } else {
      Hash hash;
      std::copy(bytes->begin(), bytes->end(), hash.begin());
      impl->Insert(hash, std::move(row).value());
    }
    return rows_read.has_value();
  });
  REMIT_TRY(scanned);
  REMIT_TRY(rows_read);
  for (auto& [owner, hashes] : impl->by_owner) {
    std::ranges::sort(hashes, {}, [&](const Hash& h) { return impl->rows.at(h).began; });
  }
  return std::unique_ptr<Sessions>(new Sessions(std::move(impl)));
}

void Sessions::StartActorSession(const cedar::EntityUid& actor, Answer<Minted> answer) {
  impl_->Mint(Kind::kActor, actor, "actor.signed-in", "", {}, {}, std::move(answer));
}

void Sessions::MakeLink(const Caller& by, const cedar::EntityUid& person, Answer<Minted> answer) {
  if (Status may = impl_->directory.MayMakeLinks(by); !may.has_value()) return answer(Fail(std::move(may).error()));
  const auto registered = impl_->directory.FindPerson(person);
  if (!registered.has_value()) {
    return answer(Fail(Code::kNotFound, "unknown-person", fmt::format("no person `{}` is registered", person.ToString()),
                       "register them first: remit person put"));
  }
  if (registered->barred) return answer(Fail(Code::kFailedPrecondition, "barred", fmt::format("person `{}` is barred", person.ToString())));
  impl_->Mint(Kind::kLink, person, "person.link-made", by.uid.ToString(), {}, {}, std::move(answer));
}

void Sessions::Redeem(std::string_view code, Answer<Minted> answer) {
  if (!IsHandle(code, kSignInCodePrefix)) return answer(BadCode());
  const Hash hash = HandleHash(code);
  std::optional<SessionRow> link;
  {
    // INVARIANT: a link that somebody is redeeming is not in memory, so nobody else can.
    std::unique_lock lock(impl_->mutex);
    const auto it = impl_->rows.find(hash);
    if (it == impl_->rows.end() || it->second.kind != Kind::kLink || it->second.expires <= impl_->clock.Now()) return answer(BadCode());
    link = it->second;
    impl_->Remove(hash);
  }
  const auto person = impl_->directory.FindPerson(link->owner);
  store::Batch batch;
  batch.expects.push_back({store::Table::kSession, HandleKey(hash), link->Encode()});
  batch.writes.push_back({store::Table::kSession, HandleKey(hash), std::nullopt});
  if (!person.has_value() || person->barred) {
    std::unique_lock lock(impl_->mutex);
    impl_->endings.push_back({HandleKey(hash), impl_->EndEvent(*link, "barred")});
    lock.unlock();
    return answer(BadCode());
  }
  const cedar::EntityUid owner = link->owner;
  auto give_back = [impl = impl_.get(), hash, link = *link](const Error& error) {
    if (error.code == Code::kConflict) return;  // another server took it
    std::unique_lock lock(impl->mutex);
    impl->Insert(hash, link);
  };
  impl_->Mint(Kind::kPerson, owner, "person.signed-in", "", std::move(batch), std::move(give_back),
              [answer = std::move(answer)](Result<Minted> minted) {
                if (!minted.has_value() && minted.error().code == Code::kConflict) return answer(BadCode());
                answer(std::move(minted));
              });
}

std::optional<Session> Sessions::FindActorSession(std::string_view handle, Time now) const { return impl_->Find(handle, Kind::kActor, now); }
std::optional<Session> Sessions::FindPersonSession(std::string_view handle, Time now) const { return impl_->Find(handle, Kind::kPerson, now); }

void Sessions::End(const std::string& session, const std::string& why, std::function<void(Status)> answer) {
  {
    std::unique_lock lock(impl_->mutex);
    const auto it = impl_->by_id.find(session);
    if (it != impl_->by_id.end()) impl_->EndRow(Hash(it->second), why);
  }
  impl_->CommitEndings(std::move(answer));
}

void Sessions::EndAllOf(const cedar::EntityUid& owner, const std::string& why, std::function<void(Status)> answer) {
  {
    std::unique_lock lock(impl_->mutex);
    ++impl_->ended_owners[owner];
    const auto it = impl_->by_owner.find(owner);
    if (it != impl_->by_owner.end()) {
      for (const Hash& hash : std::vector<Hash>(it->second)) impl_->EndRow(hash, why);
    }
  }
  impl_->CommitEndings(std::move(answer));
}

std::size_t Sessions::CountOf(const cedar::EntityUid& owner) const {
  std::shared_lock lock(impl_->mutex);
  const auto it = impl_->by_owner.find(owner);
  return it == impl_->by_owner.end() ? 0 : it->second.size();
}

std::size_t Sessions::size() const {
  std::shared_lock lock(impl_->mutex);
  return impl_->rows.size();
}

}  // namespace remit::identity
