// Where two of these meet: trips and trees, budgets and sub-tasks, starts that lie ahead and suspension, break-glass and what it hands on,
// approvals and ends. Each is tested by itself elsewhere.
#include <algorithm>
#include <map>

#include "broker/life_bench.h"

namespace remit::broker {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class Crossing : public LifeBenchTest {
 protected:
  // The life catalog, with annotations for types by their @name and more policies.
  void Load(const std::map<std::string, std::string>& annotations, std::string_view more = "") {
    std::string schema(kLifeSchema);
    for (const auto& [name, said] : annotations) {
      const std::string mark = "@name(\"" + name + "\")";
      schema.insert(schema.find(mark) + mark.size(), " " + said);
    }
    bench.LoadCatalog(std::string(kLifePolicies) + std::string(more), schema);
  }
  void TryDoor(const StartAnswer& task) { (void)bench.Use(task.task.id, "ticket.read", "T-2"); }
  std::string Refused(const StartAnswer& parent, const std::string& type, json::Object parameters, const std::string& to = "") {
    return Reason(bench.Delegate(parent, type, std::move(parameters), to));
  }
  std::string RefusedPart(const StartAnswer& parent, const std::string& to = "") { return Refused(parent, "part", {{"ticket", "T-1"}}, to); }
  // "" where it went well.
  template <class T>
  static std::string Reason(const Result<T>& answer) {
    return answer ? "" : answer.error().reason;
  }
  // How often a policy was lifted for this task.
  std::int64_t Uses(const StartAnswer& task, const std::string& policy) {
    const json::Value shown = bench.Shown(task.task.id);
    const json::Value* uses = shown.Find("uses");
    const json::Value* one = uses == nullptr ? nullptr : uses->Find(policy);
    return one == nullptr ? 0 : one->AsInt();
  }
  std::size_t CountEvents(std::string_view type) {
    return static_cast<std::size_t>(
        std::ranges::count_if(bench.Events(), [&](const json::Value& event) { return *event.FindString("type") == type; }));
  }
  std::string StateOf(const StartAnswer& task) { return bench.StateOf(task.task.id); }
  Time DeadlineOf(const StartAnswer& task) { return *ParseTime(*bench.Shown(task.task.id).FindString("deadline")); }
  void Bar(const std::string& agent) {
    bench.broker().PutActor(Bench::Operator(), {{"Agent", agent}, "", nullptr, std::nullopt, true}, [](auto a) { Bench::Expect(a); });
    bench.Settle();
  }
  static Error DiskIsGone() { return Error(Code::kUnavailable, "store-failed", "the disk is gone"); }
};

// --- approvals, ends and who is barred -------------------------------------------------------------------------------------------------

TEST_F(Crossing, WhatABarredActorHandedOnGetsNothingMore) {
  StartAnswer lead = Lead(), part = *bench.Delegate(lead, "part", {{"ticket", "T-1"}}, "sub");
  StartAnswer waits = *bench.Delegate(lead, "box", {{"box", "vault"}}, "sub");
  Bar("bot");
  EXPECT_EQ(StateOf(part), "active");  // what is there stays as it is
  EXPECT_EQ(RefusedPart(lead, "sub"), "start-denied");
  EXPECT_EQ(RefusedPart(part, "sub"), "start-denied");
  EXPECT_EQ(Reason(bench.Extend(bench.Holder(part), part.task.id, minutes(1))), "extend-denied");
  ASSERT_TRUE(bench.Suspend(part.task.id).has_value());
  EXPECT_EQ(Reason(bench.Resume(part.task.id)), "resume-denied");
  EXPECT_EQ(Reason(bench.Approve(bench.Person("ann"), waits.approval)), "start-denied");
  EXPECT_EQ(StateOf(waits), "denied");
}

}  // namespace
}  // namespace remit::broker
