// Actors prove who they are by an assertion that they sign with their registered key (private_key_jwt, RFC 7523 §3), each good once.
//
// INVARIANT: an assertion is remembered in the store before anything is given for it, and until it could no longer be valid; so it is not
// good a second time, not even after a restart in between. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "identity/directory.h"
#include "store/store.h"

namespace remit::identity {

// RFC 7523 §2.2: the value of `client_assertion_type`.
inline constexpr std::string_view kClientAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

class ClientAssertions {
 public:
  using Answer = std::function<void(Result<RegisteredActor>)>;

  // An assertion is for us if its audience is the issuer or the token endpoint. Reads what must be remembered from the store. Everything
  // given must outlive it. Errors: the store's, `store-corrupt`.
  static Result<std::unique_ptr<ClientAssertions>> Open(store::Store& store, const Clock& clock, const Directory& directory, std::string issuer,
                                                        std::string token_endpoint);

  // Verifies an assertion and uses it up. `client_id` is what the request says beside it, "" if it says nothing (RFC 7521 §4.2: must agree).
  // Errors of Code::kUnauthenticated: `bad-client` (unknown, barred, without a key, or not signed with its key: not said which),
  // `replayed-assertion`, those of jose::ValidateClientAssertion that its signer may know (`wrong-audience`, `token-expired`,
  // `token-lives-too-long`, `missing-id` …). Others: `too-many-assertions` (kResourceExhausted), the store's.
  void Redeem(std::string_view assertion, std::string_view client_id, Answer answer);

  std::size_t remembered() const;

 private:
  struct Impl;
  explicit ClientAssertions(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace remit::identity
