// For tests of signing keys: a catalog in which leads may rotate them, and what others see of it.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "broker/keys.h"
#include "broker/life_bench.h"
#include "crypto/envelope.h"
#include "jose/access_token.h"
#include "jose/jwk.h"

namespace remit::broker {

inline constexpr std::string_view kMayRotate = R"(
@id("may-rotate") permit (principal in Team::"leads", action in [Remit::Action::"key.rotate", Remit::Action::"catalog.load", Remit::Action::"view"],
  resource == Remit::Server::"remit");
)";
inline constexpr std::string_view kWithFourEyes = R"(
@id("four-eyes") @unless_approved("1") forbid (principal, action == Remit::Action::"key.rotate", resource);
)";

class KeyRotationBenchTest : public ::testing::Test {
 protected:
  KeyRotationBenchTest() { Load(kMayRotate); }

  // By whoever may: the set-up is over with the first.
  void Load(std::string_view more) {
    const Caller by = bench.broker().SetUpIsOpen() ? Bench::Operator() : bench.Person("ann");
    const auto loaded = bench.Ask<CatalogAnswer>([&](auto answer) {
      bench.broker().LoadCatalog(by, {{"t.cedarschema", std::string(kSchema)}, {"t.cedar", std::string(kPolicies) + std::string(more)}}, false,
                                 answer);
    });
    ASSERT_TRUE(loaded.has_value()) << loaded.error().ToString();
  }
  Result<json::Value> Rotate(const Caller& by, RotateRequest request) {
    return bench.Ask<json::Value>([&](auto answer) { bench.broker().RotateKey(by, std::move(request), answer); });
  }
  Result<json::Value> Rotate(const std::string& key = "access", bool leaked = false) {
    return Rotate(bench.Person("ann"), {.key = key, .leaked = leaked});
  }
  template <class T>
  static std::string ReasonOf(const Result<T>& result) {
    return result ? "done" : result.error().reason;
  }
  std::string KidOf(const std::string& key) {
    const json::Value list = bench.broker().ListKeys(Bench::Operator()).value();
    for (const json::Value& one : list.Find("keys")->AsArray())
      if (*one.FindString("key") == key) return *one.FindString("kid");  // the one that signs stands first
    return "";
  }
  jose::JwkSet ReceiptKeys() { return *jose::JwkSet::Parse(bench.broker().ReceiptJwks()); }
  // Of tokens, then of receipts.
  std::vector<std::string> Published() {
    std::vector<std::string> kids;
    for (const json::Value& published : {bench.broker().Jwks(), bench.broker().ReceiptJwks()}) {
      const auto set = jose::JwkSet::Parse(published);
      for (const auto& key : set->keys()) kids.push_back(key.kid);
    }
    return kids;
  }
  bool IsPublished(const std::string& kid) { return std::ranges::count(Published(), kid) == 1; }
  StartAnswer Triage() { return bench.Start("triage", {{"ticket", "T-1"}}).value(); }
  Result<TokenAnswer> Token(const StartAnswer& task, bool offline = false) {
    return bench.Ask<TokenAnswer>([&](auto answer) {
      bench.broker().IssueToken(bench.Token(task), {task.task.id, offline ? "https://offline" : "https://rs", offline}, answer);
    });
  }
  bool Active(const std::string& jwt) { return bench.broker().Introspect(Bench::Agent("helpdesk"), jwt).Find("active")->AsBool(); }
  bool Active(const TokenAnswer& token) { return Active(std::string(token.token.Reveal())); }
  // As a resource server that reads /jwks.
  std::string Offline(const std::string& jwt, const std::string& audience = "https://rs") {
    const auto keys = jose::JwkSet::Parse(bench.broker().Jwks());
    return ReasonOf(jose::ValidateAccessToken(jwt, *keys, "http://remit.test", audience, bench.clock.Now(), std::chrono::seconds(5)));
  }
  std::string Offline(const TokenAnswer& token, const std::string& audience = "https://rs") {
    return Offline(std::string(token.token.Reveal()), audience);
  }
  static std::string KidIn(const TokenAnswer& token) {
    const std::string text(token.token.Reveal());
    return *json::Parse(AsText(*Base64UrlDecode(text.substr(0, text.find('.')))))->FindString("kid");
  }
  std::optional<std::string> Row(const std::string& key) { return *bench.store().Get(store::Table::kKey, key); }
  // What stays of a key that was rotated.
  json::Value OldRow(const std::string& name, const std::string& kid) {
    const auto envelope = crypto::DecodeEnvelope(AsBytes(*Row("old/" + name + "/" + kid)));
    const auto text = crypto::OpenEnvelope(bench.master, *envelope, crypto::AssociatedData({"remit old signing key v1", name, kid}));
    return *json::Parse(text->Reveal());
  }
  // The kid of the only one of its name.
  std::string OldKid(const std::string& name) {
    std::string kid;
    const std::string prefix = "old/" + name + "/";
    EXPECT_TRUE(bench.store().Scan(store::Table::kKey, prefix, [&](std::string_view key, std::string_view) {
      kid = key.substr(prefix.size());
      return false;
    }));
    return kid;
  }
  // What somebody holds who took the store and the master key before the key was erased.
  crypto::SigningKey Stolen(const std::string& name) {
    const auto envelope = crypto::DecodeEnvelope(AsBytes(*Row(name)));
    const auto bytes = crypto::OpenEnvelope(bench.master, *envelope, crypto::AssociatedData({"remit signing key v1", name}));
    return crypto::SigningKey::FromPrivateBytes(crypto::KeyType::kEs256, bytes->RevealBytes()).value();
  }
  // A token that says what `like` says, for longer.
  std::string Forge(const crypto::SigningKey& key, const TokenAnswer& like) {
    jose::AccessToken token;
    token.issuer = "http://remit.test";
    token.subject = token.client_id = "Agent::\"bot\"";
    token.audience = "https://rs";
    token.id = like.credential;
    token.issued_at = bench.clock.Now();
    token.expires = bench.clock.Now() + std::chrono::minutes(10);
    return jose::SignAccessToken(key, jose::Thumbprint(key.public_key()), token);
  }
  std::size_t Count(std::string_view type) {
    std::size_t count = 0;
    for (const json::Value& event : bench.Events()) count += *event.FindString("type") == type;
    return count;
  }

  LifeBench bench;
};

}  // namespace remit::broker
