// POST /access/v1/evaluation and /evaluations: where PEPs ask (AuthZEN Authorization API 1.0). An allow may be charged to the task, so a
// PEP that did not hear the answer asks again with the same Idempotency-Key.
//
// Errors are what §10.1.7 says: a status and a message as text. A deny is no error: 200 with {"decision": false}.
#include "api/authzen/authzen.h"

#include <memory>
#include <mutex>

#include <fmt/format.h>

#include "api/rest.h"
#include "api/routes.h"
#include "base/limits.h"
#include "base/log.h"

namespace remit::api {
namespace {

using http::Request;
using http::Respond;

// Puts the request's X-Request-ID into every response, as §10.1.8 demands.
Respond Echoing(std::string request_id, Respond respond) {
  if (request_id.empty()) return respond;
  return [request_id = std::move(request_id), respond = std::move(respond)](http::Response response) {
    response.headers.push_back({"X-Request-ID", request_id});
    respond(std::move(response));
  };
}

http::Response ErrorText(const Error& error) {
  const bool ours = error.code == Code::kInternal || error.code == Code::kCorrupt;
  if (ours) log::Fault("{}: {}", error.reason, error.ToString());
  http::Response response = http::Text(error.code == Code::kUnsupported ? 400 : http::StatusOf(error.code),
                                       ours ? "something went wrong on this server; its log says what" : error.ToString());
  if (response.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  return response;
}

void Ask(Services& services, const Caller& pep, Evaluation evaluation, broker::Answer<broker::UseAnswer> answer) {
  services.broker.Evaluate(pep, std::move(evaluation.use), std::move(answer));
}

// Asks one question after the other, in their order, since an earlier one may spend what a later one needs.
class Batch : public std::enable_shared_from_this<Batch> {
 public:
  Batch(Services& services, Caller pep, EvaluationBatch batch, Respond respond)
      : services_(services), pep_(std::move(pep)), batch_(std::move(batch)), respond_(std::move(respond)) {}

  // Goes on until an answer does not come at once; then that answer goes on.
  void Run() {
    while (next_ < batch_.items.size() && !over_) {
      const Result<Evaluation>& item = batch_.items[next_++];
      if (!item.has_value()) {
        Note(FailedDecisionJson(item.error()), false);
        continue;
      }
      {
        std::lock_guard lock(mutex_);
        waiting_ = true;
        came_ = false;
      }
      Ask(services_, pep_, *item, [self = shared_from_this()](Result<broker::UseAnswer> answer) { self->OnAnswer(std::move(answer)); });
      std::lock_guard lock(mutex_);
      waiting_ = false;
      if (!came_) return;
    }
    Finish();
  }

 private:
  void OnAnswer(Result<broker::UseAnswer> answer) {
    Note(answer.has_value() ? DecisionJson(*answer) : FailedDecisionJson(answer.error()), answer.has_value() && answer->allowed);
    {
      std::lock_guard lock(mutex_);
      came_ = true;
      if (waiting_) return;  // Run is still on its way here
    }
    Run();
  }

  void Note(json::Value decision, bool allowed) {
    decisions_.push_back(std::move(decision));
    if (batch_.rule == BatchRule::kDenyOnFirstDeny && !allowed) over_ = true;
    if (batch_.rule == BatchRule::kPermitOnFirstPermit && allowed) over_ = true;
  }

  void Finish() { respond_(http::Json(200, json::Object{{"evaluations", std::move(decisions_)}})); }

  Services& services_;
  const Caller pep_;
  const EvaluationBatch batch_;
  const Respond respond_;
  std::size_t next_ = 0;
  bool over_ = false;
  json::Array decisions_;
  std::mutex mutex_;
  bool waiting_ = false, came_ = false;
};

// What both endpoints begin with: who asks, under which names, and what.
struct Asked {
  Caller pep;
  std::string idempotency_key;
  json::Value body;
};
// From a good X-Request-ID on, every answer of `respond` has it, errors included.
Result<Asked> ReadAsked(Services& services, const Request& request, Respond& respond) {
  REMIT_ASSIGN(std::string id, NameHeader(request, "x-request-id"));
  respond = Echoing(std::move(id), std::move(respond));
  Asked asked;
  REMIT_ASSIGN(asked.pep, SomebodyOf(services, request));
  REMIT_TRY(OnlyFor(asked.pep, {Kind::kActor}, "registered enforcement points; a task asks about itself at /v1/check"));
  REMIT_ASSIGN(asked.idempotency_key, NameHeader(request, "idempotency-key"));
  REMIT_TRY(request.OnlyQuery({}));
  REMIT_ASSIGN(asked.body, BodyOf(request));
  return asked;
}

broker::Answer<broker::UseAnswer> AnsweringDecision(Respond respond) {
  return [respond = std::move(respond)](Result<broker::UseAnswer> result) {
    respond(result.has_value() ? http::Json(200, DecisionJson(*std::move(result))) : ErrorText(result.error()));
  };
}

void EvaluateOne(Services& services, const Asked& asked, Evaluation evaluation, const Request& request, Respond respond) {
  if (asked.idempotency_key.empty()) return Ask(services, asked.pep, std::move(evaluation), AnsweringDecision(std::move(respond)));
  evaluation.use.idempotency_key = asked.idempotency_key;
  // Whether the key was used before is a question for the disk.
  OnWorker({services, request, asked.pep}, respond,
           [pep = asked.pep, evaluation = std::move(evaluation), respond](Services& s) { Ask(s, pep, evaluation, AnsweringDecision(respond)); });
}

void Evaluate(Services& services, const Request& request, Respond respond) {
  auto asked = ReadAsked(services, request, respond);
  if (!asked.has_value()) return respond(ErrorText(asked.error()));
  auto evaluation = ReadEvaluation(asked->body);
  if (!evaluation.has_value()) return respond(ErrorText(evaluation.error()));
  EvaluateOne(services, *asked, std::move(evaluation).value(), request, std::move(respond));
}

void EvaluateMany(Services& services, const Request& request, Respond respond) {
  auto asked = ReadAsked(services, request, respond);
  if (!asked.has_value()) return respond(ErrorText(asked.error()));
  auto batch = ReadEvaluations(asked->body);
  if (!batch.has_value()) return respond(ErrorText(batch.error()));
  if (batch->single) return EvaluateOne(services, *asked, std::move(*batch->items.front()), request, std::move(respond));
  for (std::size_t i = 0; i < batch->items.size(); ++i) {
    if (batch->items[i].has_value() && !asked->idempotency_key.empty())
      batch->items[i]->use.idempotency_key = fmt::format("{}#{}", asked->idempotency_key, i);
  }
  auto run = std::make_shared<Batch>(services, asked->pep, std::move(batch).value(), respond);
  OnWorker({services, request, asked->pep}, respond, [run](Services&) { run->Run(); });
}

}  // namespace

void AddAuthzenRoutes(http::Router& router, Services& services) {
  const auto add = [&](std::string_view method, std::string_view pattern, void (*handler)(Services&, const Request&, Respond)) {
    router.Add(method, pattern, [&services, handler](const Request& request, Respond respond) { handler(services, request, std::move(respond)); });
  };
  add("GET", "/.well-known/authzen-configuration",
      [](Services& s, const Request&, Respond respond) { respond(http::Json(200, AuthzenMetadata(s.issuer))); });
  add("POST", "/access/v1/evaluation", Evaluate);
  add("POST", "/access/v1/evaluations", EvaluateMany);
}

}  // namespace remit::api
