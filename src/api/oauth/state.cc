// POST /introspect (RFC 7662) and POST /revoke (RFC 7009): what a token is worth now, and giving one up.
#include "api/oauth/form.h"
#include "api/oauth/oauth.h"
#include "api/rest.h"
#include "identity/handle.h"

namespace remit::api {
namespace {

http::Response NotForYou(std::string description) { return ToResponse(OauthError{"invalid_client", std::move(description), 401, "Bearer"}); }

// RFC 7009 §2.2: "The authorization server responds with HTTP status code 200 if the token has been revoked successfully or if the client
// submitted an invalid token." That a token is somebody else's is not told either.
void GiveUp(Services& services, const Caller& client, const std::string& token, http::Respond respond) {
  if (const auto session = services.sessions.FindActorSession(token, services.clock.Now()); session.has_value() && session->owner == client.uid) {
    return services.sessions.End(session->id, "revoked", [respond](Status ended) {
      respond(ended.has_value() ? http::Empty(200) : ToResponse(FromError(ended.error(), "server_error")));
    });
  }
  const std::string task = services.broker.TaskOfHandle(token);
  if (task.empty()) return respond(http::Empty(200));
  // A task's token lives exactly as long as the task: giving it up ends the task.
  GiveUpTask(services, client, task, [respond](Status ended) {
    const bool ours = !ended.has_value() && FromError(ended.error(), "").status >= 500;
    respond(ours ? ToResponse(FromError(ended.error(), "")) : http::Empty(200));
  });
}

}  // namespace

void GiveUpTask(Services& services, const Caller& by, const std::string& task, std::function<void(Status)> done) {
  services.broker.Withdraw(by, task, [&services, by, task, done = std::move(done)](Result<broker::EndAnswer> withdrawn) {
    if (withdrawn.has_value()) return done({});
    if (withdrawn.error().reason != "wrong-state") return done(std::unexpected(std::move(withdrawn).error()));
    // It waits for nobody: it is active, perhaps since a moment ago, or has ended.
    services.broker.Complete(by, task, Duration::zero(), [done](Result<broker::EndAnswer> completed) {
      done(completed.has_value() ? Status{} : Status(std::unexpected(std::move(completed).error())));
    });
  });
}

void Introspect(Services& services, const http::Request& request, http::Respond respond) {
  auto form = OauthForm::Read(request);
  if (!form.has_value()) return respond(ToResponse(form.error()));
  auto token = form->Required("token");
  if (!token.has_value()) return respond(ToResponse(token.error()));
  WithClient(services, request, *form, ClientRule::kAnyCaller, respond, [&services, respond, token = *token](const Caller& client) {
    if (!client.Is(Kind::kActor) && !client.Is(Kind::kOperator)) return respond(NotForYou("only registered actors ask what a token is worth"));
    respond(http::Json(200, services.broker.Introspect(client, token)));
  });
}

void RevokeToken(Services& services, const http::Request& request, http::Respond respond) {
  auto form = OauthForm::Read(request);
  if (!form.has_value()) return respond(ToResponse(form.error()));
  auto token = form->Required("token");
  if (!token.has_value()) return respond(ToResponse(token.error()));
  if (token->find('.') != std::string::npos) {
    return respond(
        ToResponse(OauthFail("unsupported_token_type", "a JWT ends with its task: complete the task, or revoke its opaque token").error()));
  }
  WithClient(services, request, *form, ClientRule::kAnyCaller, respond, [&services, respond, token = *token](const Caller& client) {
    if (!client.Is(Kind::kActor) && !client.Is(Kind::kHolder)) return respond(NotForYou("a token is given up by its actor, or with its holder key"));
    GiveUp(services, client, token, respond);
  });
}

}  // namespace remit::api
