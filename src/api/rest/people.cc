// /v1/actors, /v1/people and signing in: who is registered, and how people get their sessions.
#include "api/codec.h"
#include "api/rest.h"
#include "api/routes.h"
#include "base/limits.h"
#include "json/object_reader.h"

namespace remit::api {
namespace {

using http::Respond;

void ListActors(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value answer, call.services.broker.ListActors(call.caller));
  respond(http::Json(200, answer));
}

void ListPeople(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value answer, call.services.broker.ListPeople(call.caller));
  respond(http::Json(200, answer));
}

// With which roles the accounts are that it names, where somebody can see it: `accounts_seen`. A target that does not answer holds up nobody for
// long.
void AnswerWithAccounts(Services& services, const std::vector<std::string>& named, Result<json::Value> put, const Respond& respond) {
  if (!put.has_value() || named.empty() || put->Find("approval") != nullptr) return respond(ToResponse(put));
  services.broker.SeeAccounts(named, [respond, put = *std::move(put)](Result<json::Array> seen) mutable {
    if (seen.has_value() && !seen->empty()) put.AsObject().Set("accounts_seen", *std::move(seen));
    respond(ToResponse(Result<json::Value>(std::move(put))));
  });
}

// Who is barred, or has another key than before, starts anew: sessions that were begun before are no longer good.
void PutActor(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(broker::ActorRecord actor, ReadActor(body));
  const auto before = call.services.broker.FindActor(actor.uid);
  const bool ends = actor.barred || (before.has_value() && !(before->jwk == actor.jwk));
  const cedar::EntityUid uid = actor.uid;
  const char* why = actor.barred ? "barred" : "new-key";
  const std::vector<std::string> named = actor.accounts.value_or(std::vector<std::string>());
  call.services.broker.PutActor(call.caller, std::move(actor), [&services = call.services, respond, ends, uid, why, named](Result<json::Value> put) {
    if (!put.has_value() || !ends) return AnswerWithAccounts(services, named, std::move(put), respond);
    services.sessions.EndAllOf(uid, why, [&services, respond, named, put = std::move(put)](Status ended) mutable {
      if (!ended.has_value()) return respond(http::Problem(ended.error()));
      AnswerWithAccounts(services, named, std::move(put), respond);
    });
  });
}

void PutPerson(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(broker::PersonRecord person, ReadPerson(body));
  const bool barred = person.barred;
  const cedar::EntityUid uid = person.uid;
  call.services.broker.PutPerson(call.caller, std::move(person), [&services = call.services, respond, barred, uid](Result<json::Value> put) {
    if (!put.has_value() || !barred) return respond(ToResponse(put));
    services.sessions.EndAllOf(uid, "barred", [respond, put = std::move(put)](Status ended) {
      respond(ended.has_value() ? ToResponse(put) : http::Problem(ended.error()));
    });
  });
}

void MakeLink(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  json::ObjectReader r(body, "body");
  const json::Value& person = r.RequiredValue("person");
  REMIT_API_TRY(r.Finish());
  REMIT_API_ASSIGN(const cedar::EntityUid uid, ReadUid(person, "body.person"));
  // The code is behind `#`: browsers do not send that part, so it is in nobody's access log.
  call.services.sessions.MakeLink(
      call.caller, uid, Answering<identity::Minted>(respond, 201, [issuer = call.services.issuer](const identity::Minted& m) {
        return json::Object{
            {"link", issuer + "/sign-in#" + std::string(m.handle.Reveal())}, {"code", m.handle.Reveal()}, {"expires", FormatTime(m.expires)}};
      }));
}

// For everybody: the code is the credential.
void SignIn(Services& services, const http::Request& request, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(request));
  json::ObjectReader r(body, "body");
  const std::string code = r.RequiredString("code");
  REMIT_API_TRY(r.Finish());
  services.sessions.Redeem(code, Answering<identity::Minted>(respond, 200, [](const identity::Minted& m) {
                             return json::Object{{"session", m.handle.Reveal()}, {"person", m.owner.ToString()}, {"expires", FormatTime(m.expires)}};
                           }));
}

void SignOut(const Call& call, Respond respond) {
  REMIT_API_TRY(EmptyBody(call.request));
  if (call.caller.session.empty()) {
    return respond(http::Problem(Error(Code::kFailedPrecondition, "no-session", "there is no session to end: this caller did not sign in")));
  }
  call.services.sessions.End(call.caller.session, "signed-out",
                             [respond](Status ended) { respond(ended.has_value() ? http::Empty() : http::Problem(ended.error())); });
}

// Nobody is an answer here, not an error.
void WhoAmI(Services& services, const http::Request& request, Respond respond) {
  REMIT_API_ASSIGN(const Caller caller, CallerOf(services, request));
  json::Value answer = ToJson(caller);
  if (caller.Is(Kind::kOperator)) answer.AsObject().Set("set_up", services.broker.SetUpIsOpen());
  respond(http::Json(200, answer));
}

// Bars somebody and ends everything that they hold. The answer is a receipt.
void Offboard(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  json::ObjectReader r(body, "body");
  const json::Value& actor = r.RequiredValue("actor");
  const std::string why = r.OptionalString("reason").value_or("");
  const std::string wait_text = r.OptionalString("wait").value_or("");
  REMIT_API_TRY(r.Finish());
  REMIT_API_ASSIGN(const cedar::EntityUid uid, ReadUid(actor, "body.actor"));
  Duration wait = limits::kCompleteWait;
  if (!wait_text.empty()) {
    REMIT_API_ASSIGN(wait, ReadWait(wait_text));
  }
  call.services.broker.Offboard(call.caller, uid, why, wait, AnsweringJson(std::move(respond)));
}

}  // namespace

void AddPeopleRoutes(http::Router& router, Services& services) {
  AddCall(router, services, "GET", "/v1/actors", ListActors);
  AddCall(router, services, "POST", "/v1/actors", PutActor);
  AddCall(router, services, "GET", "/v1/people", ListPeople);
  AddCall(router, services, "POST", "/v1/people", PutPerson);
  AddCall(router, services, "POST", "/v1/people/sign-in-link", MakeLink);
  router.Add("POST", "/v1/sign-in", [&services](const http::Request& request, Respond respond) { SignIn(services, request, std::move(respond)); });
  AddCall(router, services, "POST", "/v1/sign-out", SignOut);
  AddCall(router, services, "POST", "/v1/offboard", Offboard);
  router.Add("GET", "/v1/whoami", [&services](const http::Request& request, Respond respond) { WhoAmI(services, request, std::move(respond)); });
}

}  // namespace remit::api
