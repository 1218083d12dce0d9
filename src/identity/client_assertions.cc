// See client_assertions.h.
#include "identity/client_assertions.h"

#include <map>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "base/limits.h"
#include "crypto/hash.h"
#include "identity/handle.h"
#include "jose/client_assertion.h"
#include "task/codec.h"

namespace remit::identity {
namespace {

std::unexpected<Error> BadClient() {
  return Fail(Code::kUnauthenticated, "bad-client", "no client is known by this assertion: it must be signed with the key that is registered for it",
              "register the actor's public key: remit actor put UID --client-id NAME --key FILE; or it was barred");
}

// What would tell a stranger which clients there are and what keys they have.
bool IsForSignerOnly(const Error& error) {
  return error.reason == "unknown-key" || error.reason == "wrong-algorithm" || error.reason == "bad-signature";
}

std::string ReplayKey(const jose::ClientAssertion& assertion) {
  std::string text;
  task::Encoder e(text);
  e.Text(assertion.client_id);
  e.Text(assertion.id);
  return HexEncode(crypto::Sha256(text));
}

// Each cleared in one commit at most, so that the first one after a long silence does not wait for thousands.
constexpr std::size_t kClearedAtOnce = 64;

}  // namespace

struct ClientAssertions::Impl : std::enable_shared_from_this<Impl> {
  Impl(store::Store& s, const Clock& c, const Directory& d, std::vector<std::string> a) : store(s), clock(c), directory(d), audiences(std::move(a)) {}

  store::Store& store;
  const Clock& clock;
  const Directory& directory;
  const std::vector<std::string> audiences;
  Time epoch{};  // what was used between a copy of the store and its being restored is not remembered: it is refused by its time

  mutable std::mutex mutex;
  std::unordered_set<std::string> used;
  std::multimap<Time, std::string> by_expiry;

  // Remembers the assertion, or says that it was used. Clears away what no longer matters.
  Status Remember(const jose::ClientAssertion& assertion, const std::string& key, store::Batch& batch) {
    const Time until = assertion.expires + limits::kClockSkew;
    if (assertion.issued.value_or(assertion.expires - limits::kAssertionLife - limits::kClockSkew) <= epoch)
      return Fail(Code::kUnauthenticated, "replayed-assertion", "this client assertion may have been used before the store was restored",
                  "sign a new one, with `iat`");
    std::lock_guard lock(mutex);
    for (std::size_t i = 0; i < kClearedAtOnce && !by_expiry.empty() && by_expiry.begin()->first <= clock.Now(); ++i) {
      batch.writes.push_back({store::Table::kReplay, by_expiry.begin()->second, std::nullopt});
      used.erase(by_expiry.begin()->second);
      by_expiry.erase(by_expiry.begin());
    }
    if (used.contains(key))
      return Fail(Code::kUnauthenticated, "replayed-assertion", "this client assertion was used before", "sign a new one with its own `jti`");
    if (used.size() >= limits::kAssertionsRemembered) {
      return Fail(Code::kResourceExhausted, "too-many-assertions", "too many client assertions are in use at the moment",
                  "keep the session that one gives, for 15 minutes");
    }
    used.insert(key);
    by_expiry.emplace(until, key);
    batch.expects.push_back({store::Table::kReplay, key, std::nullopt});
    std::string row;
    task::Encoder(row).At(until);
    batch.writes.push_back({store::Table::kReplay, key, std::move(row)});
    return {};
  }
};

Result<std::unique_ptr<ClientAssertions>> ClientAssertions::Open(store::Store& store, const Clock& clock, const Directory& directory,
                                                                 std::string issuer, std::string token_endpoint) {
  auto impl = std::make_shared<Impl>(store, clock, directory, std::vector<std::string>{std::move(issuer), std::move(token_endpoint)});
  REMIT_ASSIGN(const std::optional<std::string> since, store.Get(store::Table::kMeta, "epoch-since"));
  if (since) impl->epoch = FromMicros(std::strtoll(since->c_str(), nullptr, 10)) + limits::kClockSkew;
  Status rows_read;
  REMIT_TRY(store.Scan(store::Table::kReplay, "", [&](std::string_view key, std::string_view value) {
    task::Decoder d(value);
    const Time until = d.At();
    rows_read = d.Finish("client assertion");
    impl->used.emplace(key);
    impl->by_expiry.emplace(until, key);
    return rows_read.has_value();
  }));
  REMIT_TRY(rows_read);
  return std::unique_ptr<ClientAssertions>(new ClientAssertions(std::move(impl)));
}

void ClientAssertions::Redeem(std::string_view assertion, std::string_view client_id, Answer answer) {
  auto claimed = jose::PeekClientId(assertion);
  if (!claimed.has_value()) return answer(Fail(std::move(claimed).error()));
  if (!client_id.empty() && client_id != *claimed) {
    return answer(Fail(Code::kUnauthenticated, "wrong-client", "`client_id` is not the subject of the client assertion"));
  }
  auto actor = impl_->directory.FindActorByClientId(*claimed);
  if (!actor.has_value() || actor->barred || actor->jwk.IsNull()) return answer(BadClient());
  auto key = jose::ParsePublicJwk(actor->jwk);
  if (!key.has_value()) return answer(BadClient());
  auto valid = jose::ValidateClientAssertion(assertion, *claimed, jose::JwkSet({std::move(key).value()}), impl_->audiences, impl_->clock.Now(),
                                             limits::kClockSkew, limits::kAssertionLife);
  if (!valid.has_value()) return answer(IsForSignerOnly(valid.error()) ? BadClient() : Fail(std::move(valid).error()));

  store::Batch batch;
  const std::string replay = ReplayKey(*valid);
  if (Status fresh = impl_->Remember(*valid, replay, batch); !fresh.has_value()) return answer(Fail(std::move(fresh).error()));
  // An assertion whose commit fails stays used up: its signer makes another one.
  impl_->store.Commit(std::move(batch), [impl = impl_, actor = std::move(*actor),
                                         answer = std::move(answer)](Result<store::Committed> committed) mutable {
    if (committed.has_value()) return answer(std::move(actor));
    if (committed.error().code == Code::kConflict) {
      return answer(Fail(Code::kUnauthenticated, "replayed-assertion", "this client assertion was used before", "sign a new one with its own `jti`"));
    }
    answer(Fail(std::move(committed).error()));
  });
}

std::size_t ClientAssertions::remembered() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->used.size();
}

}  // namespace remit::identity
