// A whole server without sockets, for tests: a real broker on a store in memory, and every route. Requests go through the router's Dispatch,
// as the server would hand them over. Time, timers and workers move when a test says so.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/broker_directory.h"
#include "api/metrics.h"
#include "api/services.h"
#include "broker/test_bench.h"
#include "http/target.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::api {

struct Reply {
  int status = 0;
  std::string type, body;
  std::vector<http::Header> headers;
  json::Value json;  // null where the body is not JSON

  std::string Header(std::string_view name) const {
    for (const http::Header& h : headers) {
      if (http::EqualsIgnoringCase(h.name, name)) return h.value;
    }
    return "";
  }
  // The reason of a problem document, or OAuth's error.
  std::string Reason() const {
    if (const std::string* urn = json.FindString("type"); urn != nullptr && urn->starts_with("urn:remit:error:")) return urn->substr(16);
    const std::string* error = json.FindString("error");
    return error == nullptr ? "" : *error;
  }
  std::string Text(std::string_view field) const {
    const std::string* text = json.FindString(field);
    return text == nullptr ? "(no " + std::string(field) + ")" : *text;
  }
};

// Who sends a request.
struct From {
  std::string bearer;
  std::optional<std::uint32_t> uid;
};

class TestServer {
 public:
  // `prepare` may restart what is served before anything refers to it.
  explicit TestServer(const std::function<void(broker::Bench&)>& prepare = [](broker::Bench&) {}) : directory((prepare(bench), bench.broker())) {
    sessions = identity::Sessions::Open(bench.store(), bench.clock, bench.rng, directory).value();
    assertions = identity::ClientAssertions::Open(bench.store(), bench.clock, directory, kIssuer, std::string(kIssuer) + "/token").value();
    authenticator = std::make_unique<identity::Authenticator>(directory, *sessions, 990);
    services.emplace(Services{bench.broker(), *authenticator, *sessions, *assertions, bench.store(), bench.clock, *bench.timers, *bench.workers,
                              metrics, kIssuer,
                              [](broker::Answer<json::Value> answer) { answer(json::Value(json::Object{{"targets", json::Array{}}})); },
                              [](const std::string& name, broker::Answer<json::Value> answer) {
                                answer(Fail(Code::kNotFound, "unknown-target", "no target `" + name + "`"));
                              }});
    Register(router, *services);
  }

  static constexpr const char* kIssuer = "http://remit.test";
  static From Root() { return {"", 0}; }
  static From Nobody() { return {}; }
  From Actor(const std::string& id = "bot") {
    std::optional<Result<identity::Minted>> minted;
    sessions->StartActorSession({"Agent", id}, [&](Result<identity::Minted> m) { minted.emplace(std::move(m)); });
    return {std::string(minted->value().handle.Reveal()), std::nullopt};
  }
  From Person(const std::string& id) {
    const Reply link = Post("/v1/people/sign-in-link", json::Object{{"person", "Employee::\"" + id + "\""}}, Root());
    const Reply session = Post("/v1/sign-in", json::Object{{"code", link.Text("code")}}, Nobody());
    return {session.Text("session"), std::nullopt};
  }

  // Sends a request and lets everything run that waits.
  Reply Send(std::string method, std::string_view target, std::string body, const From& from, std::vector<http::Header> headers = {}) {
    auto request = std::make_shared<http::Request>();
    auto parsed = http::ParseTarget(target);
    REMIT_CHECK(parsed.has_value());
    request->method = std::move(method);
    request->target = target;
    request->segments = parsed->segments;
    request->query = parsed->query;
    request->headers = std::move(headers);
    request->body = std::move(body);
    if (!from.bearer.empty()) request->headers.push_back({"Authorization", "Bearer " + from.bearer});
    auto peer = std::make_shared<http::Peer>();
    peer->is_unix = from.uid.has_value();
    peer->uid = from.uid.value_or(static_cast<uid_t>(-1));
    request->peer = peer;
    last_request = request;
    auto answer = std::make_shared<std::optional<http::Response>>();
    router.Dispatch(request, [answer](http::Response response) {
      if (!answer->has_value()) *answer = std::move(response);
    });
    bench.Settle();
    Reply reply;
    if (!answer->has_value()) return reply;  // status 0: no answer yet
    last_response = **answer;
    reply = {(*answer)->status, (*answer)->content_type, (*answer)->body, (*answer)->headers, {}};
    if (auto value = json::Parse(reply.body)) reply.json = std::move(value).value();
    return reply;
  }
  Reply Get(std::string_view target, const From& from) { return Send("GET", target, "", from); }
  Reply Post(std::string_view target, const json::Value& body, const From& from, std::vector<http::Header> headers = {}) {
    headers.push_back({"Content-Type", "application/json"});
    return Send("POST", target, json::Write(body), from, std::move(headers));
  }
  Reply PostForm(std::string_view target, const std::vector<std::pair<std::string, std::string>>& fields, const From& from) {
    std::string body;
    for (const auto& [name, value] : fields) body += (body.empty() ? "" : "&") + http::PercentEncode(name) + "=" + http::PercentEncode(value);
    return Send("POST", target, body, from, {{"Content-Type", "application/x-www-form-urlencoded"}});
  }

  Reply StartTriage(const From& from, const std::string& ticket = "T-1") {
    return Post("/v1/tasks", json::Object{{"type", "triage"}, {"parameters", json::Object{{"ticket", ticket}}}}, from);
  }

  broker::Bench bench;
  BrokerDirectory directory;
  Metrics metrics;
  std::unique_ptr<identity::Sessions> sessions;
  std::unique_ptr<identity::ClientAssertions> assertions;
  std::unique_ptr<identity::Authenticator> authenticator;
  std::optional<Services> services;
  http::Router router;
  std::shared_ptr<http::Request> last_request;
  http::Response last_response;
};

inline std::string TaskOf(const Reply& started) {
  const json::Value* task = started.json.Find("task");
  return task == nullptr ? "" : *task->FindString("id");
}

}  // namespace remit::api
