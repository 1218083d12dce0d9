// Introspection (RFC 7662): what a token is worth now. Nothing but {"active": false} of what is dead, unknown, or not the asker's business. And the
// permission sets that are too large to stand in a token, for the resource servers that these are for.
#include <algorithm>

#include "base/limits.h"
#include "broker/core.h"
#include "jose/access_token.h"
#include "jose/jwk.h"
#include "json/read.h"

namespace remit::broker {

using Kind = Caller::Kind;

namespace {

json::Value Inactive() { return json::Object{{"active", false}}; }

json::Value OfHandle(Core& core, std::string_view handle) {
  bool holder = false;
  LiveTask* live = core.handles.Find(handle, &holder);
  if (live == nullptr || holder || !core.trees.Usable(*live) || core.ClockInDoubt()) return Inactive();
  const task::TaskRecord& record = live->record();
  json::Object answer{{"active", true}, {"iss", core.parts.issuer}};
  for (const auto& [name, value] : core.delegation.Actors(record)) answer.Set(name, value);
  answer.Set("client_id", record.actor.ToString());
  answer.Set("token_type", "Bearer");
  answer.Set("exp", Micros(record.deadline) / 1'000'000);
  answer.Set("iat", Micros(record.started.value_or(record.requested)) / 1'000'000);
  answer.Set("remit_task", record.id);
  answer.Set("authorization_details",
             AuthorizationDetails(record, core.trees.PermissionsOf(record, core.EntityOf(*live)), limits::kIntrospectedPermissionBytes));
  return answer;
}

// A JWT of ours, whose signature was checked.
json::Value OfJwt(Core& core, const json::Value& payload, const jose::Claims& claims) {
  LiveCredential* credential = core.credentials.Find(*claims.id);
  if (credential == nullptr || credential->record.state != task::CredentialState::kLive) return Inactive();
  LiveTask* live = core.Find(credential->record.task);
  if (live == nullptr || !core.trees.Usable(*live) || core.Now() >= *claims.expires || core.ClockInDoubt()) return Inactive();
  json::Object answer{{"active", true}, {"token_type", "Bearer"}};
  for (const auto& [name, value] : payload.AsObject()) answer.Set(name, value);
  // What it is worth now: never more than it was made with, and less where catalog or facts have become narrower.
  const task::PermissionSet now = core.trees.PermissionsOf(live->record(), core.EntityOf(*live));
  answer.Set("authorization_details",
             AuthorizationDetails(live->record(), task::Intersect(credential->record.permissions, now), limits::kIntrospectedPermissionBytes));
  return answer;
}

// The token of this credential, while a task may use it; null otherwise.
const task::CredentialRecord* TokenInForce(Core& core, const std::string& id) {
  const LiveCredential* credential = core.credentials.Find(id);
  if (credential == nullptr || credential->record.target != kTokenTarget || credential->record.state != task::CredentialState::kLive) return nullptr;
  LiveTask* live = core.Find(credential->record.task);
  if (live == nullptr || !core.trees.Usable(*live) || core.Now() >= credential->record.not_after || core.ClockInDoubt()) return nullptr;
  return &credential->record;
}

// Whether the caller is the resource server that has this name.
bool Serves(const Core& core, const Caller& by, const std::string& audience) {
  if (!by.Is(Kind::kActor)) return false;
  const auto actor = core.registry.actors.find(by.uid);
  return actor != core.registry.actors.end() && !actor->second.barred && actor->second.audiences &&
         std::ranges::count(*actor->second.audiences, audience) > 0;
}

}  // namespace

json::Value Broker::Introspect(const Caller& by, std::string_view token) {
  if (by.Is(Kind::kNobody) || by.Is(Kind::kTask)) return Inactive();
  if (token.find('.') == std::string_view::npos) return core_->Locked([&] { return OfHandle(*core_, token); });
  const jose::JwkSet trusted = core_->key_rotation.Published()->Set(kAccessKey, core_->Now());
  Result<jose::Jws> jws = jose::VerifyCompact(token, trusted, jose::TypPolicy::Expect(jose::kAccessTokenTyp));
  if (!jws) return Inactive();
  Result<json::Value> payload = json::Parse(AsText(jws->payload));
  if (!payload) return Inactive();
  Result<jose::Claims> claims = jose::ClaimsFromJson(*payload);
  if (!claims || !claims->id || !claims->expires) return Inactive();
  return core_->Locked([&] { return OfJwt(*core_, *payload, *claims); });
}

Result<json::Value> Broker::ReferredPermissions(const Caller& by, const std::string& credential, std::string_view hash) const {
  return core_->Locked([&]() -> Result<json::Value> {
    const task::CredentialRecord* token = TokenInForce(*core_, credential);
    // One answer, whichever it is: who guesses learns nothing of other tasks.
    if (token == nullptr || !Serves(*core_, by, token->name) || HexEncode(token->permissions.Digest()) != hash)
      return Fail(Code::kNotFound, "unknown-permissions", "no token in force of a resource server that you are refers to this permission set",
                  "the `jti` of the token is the credential; `remit actor put --audience` says which resource servers an actor is");
    return token->permissions.ToJson();
  });
}

}  // namespace remit::broker
