// For tests of tasks that stop and go on, live longer, and hand parts of themselves to others: a catalog in which they may, and the calls.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "broker/test_bench.h"

namespace remit::broker {

inline constexpr std::string_view kLifeSchema = R"(
entity Team;
@actor entity Agent in [Team];
@person entity Employee in [Team];
entity Ticket = { project: String };
@open entity Box;

@task("Lead a piece of work") @name("lead") @ttl("30m") @max_ttl("2h")
entity Lead = { actor: Agent, ticket: Ticket };
@task("Do a part of it") @name("part") @ttl("10m") @max_ttl("2h") @delegable
entity Part = { actor: Agent, ticket: Ticket };
@task("Open one box") @name("box") @ttl("10m") @max_ttl("1h") @delegable
entity OpenBox = { actor: Agent, box: Box };
@task("Work alone") @name("alone") @ttl("10m")
entity Alone = { actor: Agent, ticket: Ticket };

action "ticket.read", "ticket.comment" appliesTo { principal: [Lead, Part, Alone], resource: [Ticket] };
action "ticket.close" appliesTo { principal: [Part], resource: [Ticket] };
action "box.open" appliesTo { principal: [Lead, OpenBox], resource: [Box] };
)";

inline constexpr std::string_view kLifePolicies = R"(
@id("lead") permit (principal is Lead, action in [Action::"ticket.read", Action::"ticket.comment"], resource) when { resource == principal.ticket };
@id("lead-box") permit (principal is Lead, action == Action::"box.open", resource == Box::"b1");
@id("lead-comments") @after_uses("3") forbid (principal is Lead, action == Action::"ticket.comment", resource);
@id("part") permit (principal is Part, action in [Action::"ticket.read", Action::"ticket.comment", Action::"ticket.close"], resource) when { resource == principal.ticket };
@id("part-comments") @after_uses("2") forbid (principal is Part, action == Action::"ticket.comment", resource);
@id("box") permit (principal is OpenBox, action == Action::"box.open", resource) when { resource == principal.box };
@id("start") permit (principal in Team::"support", action == Remit::Action::"start", resource);
@id("hand-on") permit (principal is Lead, action == Remit::Action::"delegate", resource);
@id("hand-on-again") permit (principal is Part, action == Remit::Action::"delegate", resource is Part);
@id("hand-on-once") @after_uses("1") forbid (principal is Part, action == Remit::Action::"delegate", resource);
@id("hand-on-box") @unless_approved("1") forbid (principal is Lead, action == Remit::Action::"delegate", resource is OpenBox)
  when { resource.box == Box::"vault" };
@id("extend") permit (principal in Team::"support", action == Remit::Action::"extend", resource);
@id("extend-box") @unless_approved("1") forbid (principal, action == Remit::Action::"extend", resource is OpenBox);
@id("extend-once") @after_uses("1") forbid (principal, action == Remit::Action::"extend", resource is Part);
@id("leads") permit (principal in Team::"leads", action in [Remit::Action::"approve", Remit::Action::"deny", Remit::Action::"view",
  Remit::Action::"revoke", Remit::Action::"suspend", Remit::Action::"resume"], resource);
@id("pep") permit (principal == Agent::"helpdesk", action == Remit::Action::"enforce", resource);
)";

class LifeBench : public Bench {
 public:
  LifeBench() {
    LoadCatalog(kLifePolicies, kLifeSchema);
    broker().PutActor(Operator(), {{"Agent", "sub"}, "", nullptr, std::nullopt, false}, [](auto a) { Expect(a); });
    Settle();
  }

  template <class T, class Call>
  Result<T> Ask(Call call) {
    auto answer = std::make_shared<std::optional<Result<T>>>();
    call([answer](Result<T> a) { *answer = std::move(a); });
    Settle();
    if (!*answer) return Fail(Code::kInternal, "no-answer", "there is no answer yet");
    return *std::move(*answer);
  }
  Result<EndAnswer> Suspend(const std::string& task, const Caller& by = Operator()) {
    return Ask<EndAnswer>([&](auto answer) { broker().Suspend(by, task, "to look at it", Duration(0), answer); });
  }
  Result<StartAnswer> Resume(const std::string& task, const Caller& by = Operator()) {
    return Ask<StartAnswer>([&](auto answer) { broker().Resume(by, task, answer); });
  }
  // As Bench's, and may answer after the test went on.
  Result<EndAnswer> Complete(const StartAnswer& started) {
    return Ask<EndAnswer>([&](auto answer) { broker().Complete(Holder(started), started.task.id, Duration(0), answer); });
  }
  Result<EndAnswer> Revoke(const std::string& task) {
    return Ask<EndAnswer>([&](auto answer) { broker().Revoke(Operator(), task, "enough", Duration(0), answer); });
  }
  Result<ExtendAnswer> Extend(const Caller& by, const std::string& task, Duration more) {
    return Ask<ExtendAnswer>([&](auto answer) { broker().Extend(by, task, more, "it takes longer", answer); });
  }
  Result<StartAnswer> Delegate(const StartAnswer& parent, const std::string& type, json::Object parameters, const std::string& to = "",
                               std::optional<Duration> ttl = {}) {
    DelegateRequest request;
    request.start.type = type;
    request.start.parameters = std::move(parameters);
    request.start.ttl = ttl;
    if (!to.empty()) request.actor = {"Agent", to};
    return Ask<StartAnswer>([&](auto answer) { broker().Delegate(Holder(parent), parent.task.id, request, answer); });
  }
  Caller Holder(const StartAnswer& started) { return broker().FindHandle(started.holder.Reveal()); }
  Caller Token(const StartAnswer& started) { return broker().FindHandle(started.token.Reveal()); }
  bool Active(const StartAnswer& started) { return broker().Introspect(Operator(), started.token.Reveal()).Find("active")->AsBool(); }
  json::Value Shown(const std::string& task) {
    auto shown = broker().ShowTask(Operator(), task);
    return shown ? *shown : json::Value();
  }
  // In their order.
  std::vector<std::string> EventsOf(const std::string& task) {
    std::vector<std::string> types;
    for (const json::Value& event : Events())
      if (const std::string* about = event.FindString("task"); about != nullptr && *about == task) types.push_back(*event.FindString("type"));
    return types;
  }
};

class LifeBenchTest : public ::testing::Test {
 protected:
  StartAnswer Start(const std::string& type, json::Object parameters) {
    auto started = bench.Start(type, std::move(parameters));
    EXPECT_TRUE(started.has_value()) << started.error().ToString();
    return started ? *std::move(started) : StartAnswer{};
  }
  StartAnswer Lead() { return Start("lead", {{"ticket", "T-1"}}); }
  StartAnswer Delegated(const StartAnswer& parent, const std::string& type, json::Object parameters) {
    auto started = bench.Delegate(parent, type, std::move(parameters));
    EXPECT_TRUE(started.has_value()) << started.error().ToString();
    return started ? *std::move(started) : StartAnswer{};
  }
  StartAnswer Part(const StartAnswer& parent) { return Delegated(parent, "part", {{"ticket", "T-1"}}); }
  LifeBench bench;
};

}  // namespace remit::broker
