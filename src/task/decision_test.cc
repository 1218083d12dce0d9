// The decision: every deny has its own reason; obligations are lifted and charged; in doubt it is no.
#include "task/decision.h"

#include <functional>

#include "task/test_catalogs.h"

namespace remit::task {
namespace {

using Verdict = Decision::Verdict;

constexpr const char* kSchema = R"(
  @actor entity Bot;
  entity Doc = { level: Long };
  @task("x") entity Work = { doc: Doc };
  action read appliesTo { principal: [Work], resource: [Doc] };
)";
constexpr const char* kFacts = R"([{"uid": {"type": "Doc", "id": "d"}, "attrs": {"level": 9223372036854775807}, "parents": []}])";
constexpr const char* kPermit = "@id(\"p\") permit(principal is Work, action == Action::\"read\", resource) when { resource == principal.doc };\n";

std::string Forbid(const std::string& annotation, const std::string& when = "true") {
  return annotation + " forbid(principal is Work, action == Action::\"read\", resource) when { " + when + " };\n";
}

Decision Ask(const std::string& policies, std::uint32_t uses = 0, std::uint32_t approved = 0, const std::string& resource = "d") {
  const auto catalog = MustLoad({{"a.cedarschema", kSchema}, {"a.cedar", policies}});
  const cedar::Entities facts = MustRead(*catalog, kFacts);
  cedar::OverlayEntities view(facts);
  cedar::Entity task{{"Work", "tsk_1"}, {}, {}, {}};
  task.attributes.emplace("doc", cedar::Value(cedar::EntityUid{"Doc", "d"}));
  view.Add(std::make_shared<const cedar::Entity>(task));
  return Decide(
      *catalog, {task.uid, {"Action", "read"}, {"Doc", resource}}, view, [=](const std::string&) { return uses; },
      [=](const std::string&) { return approved; });
}

std::string Short(const Decision& d) {
  std::string text = d.verdict == Verdict::kAllow ? "allow" : d.verdict == Verdict::kDeny ? "deny" : "wait";
  text += " " + d.reason;
  for (const std::string& p : d.policies) text += " " + p;
  for (const Charge& c : d.charges) text += " -" + c.policy;
  return text;
}

TEST(Decision, APermitAllows) { EXPECT_EQ(Short(Ask(kPermit)), "allow allowed p"); }
TEST(Decision, NothingPermitsNothing) { EXPECT_EQ(Short(Ask("")), "deny no-permit"); }

TEST(Decision, AForbidForbidsWhateverElseIsThere) {
  EXPECT_EQ(Short(Ask(kPermit + Forbid("@id(\"f\")") + Forbid("@id(\"u\") @after_uses(\"1\")"))), "deny forbidden f");
}

TEST(Decision, AnObligationIsChargedUntilItIsUsedUp) {
  const std::string policies = kPermit + Forbid("@id(\"u\") @after_uses(\"2\")");
  EXPECT_EQ(Short(Ask(policies, 0)), "allow allowed p -u");
  EXPECT_EQ(Short(Ask(policies, 1)), "allow allowed p -u");
  EXPECT_EQ(Short(Ask(policies, 2)), "deny used-up u");
}

TEST(Decision, ApprovalsAreCounted) {
  const std::string policies = kPermit + Forbid("@id(\"a\") @unless_approved(\"2\")");
  EXPECT_EQ(Short(Ask(policies, 0, 1)), "wait needs-approval a");
  EXPECT_EQ(Short(Ask(policies, 0, 2)), "allow allowed p -a");
}

TEST(Decision, NoApprovalHelpsWhatIsUsedUp) {
  const std::string policies = kPermit + Forbid("@id(\"a\") @unless_approved(\"1\")") + Forbid("@id(\"u\") @after_uses(\"1\")");
  EXPECT_EQ(Short(Ask(policies, 0, 1)), "allow allowed p -a -u");
  EXPECT_EQ(Short(Ask(policies, 1, 0)), "deny used-up u");
}

TEST(Decision, NobodyIsAskedForWhatNothingPermits) { EXPECT_EQ(Short(Ask(Forbid("@id(\"a\") @unless_approved(\"1\")"))), "deny no-permit"); }

TEST(Decision, AForbidThatFailsDenies) {
  const Decision d = Ask(kPermit + Forbid("@id(\"f\")", "resource.level + 1 > 0"));
  EXPECT_EQ(Short(d), "deny policy-error f");
  ASSERT_EQ(d.errors.size(), 1u);
  EXPECT_TRUE(d.errors[0].starts_with("f: "));
  EXPECT_EQ(Short(Ask(kPermit + Forbid("@id(\"f\") @after_uses(\"9\")", "resource.level + 1 > 0"))), "deny policy-error f");
}

TEST(Decision, APermitThatFailsPermitsNothingAndTakesNothingFromOthers) {
  const std::string failing = "@id(\"e\") permit(principal is Work, action == Action::\"read\", resource) when { resource.level + 1 > 0 };";
  EXPECT_EQ(Short(Ask(failing)), "deny no-permit");
  const Decision d = Ask(failing + kPermit);
  EXPECT_EQ(Short(d), "allow allowed p");
  EXPECT_EQ(d.errors.size(), 1u);
}

TEST(Decision, WhatNobodyKnowsIsDenied) {
  EXPECT_EQ(Ask("permit(principal is Work, action == Action::\"read\", resource);", 0, 0, "ghost").reason, "unknown-resource");
}

TEST(Decision, ARequestThatDoesNotFitTheSchemaIsDenied) {
  const auto catalog = MustLoad({{"a.cedarschema", kSchema}, {"a.cedar", kPermit}});
  const cedar::Entities none;
  auto zero = [](const std::string&) { return 0u; };
  for (const cedar::Request& request :
       {cedar::Request{{"Bot", "b"}, {"Action", "read"}, {"Doc", "d"}}, cedar::Request{{"Work", "w"}, {"Action", "rite"}, {"Doc", "d"}},
        cedar::Request{{"Work", "w"}, {"Action", "read"}, {"Bot", "b"}},
        cedar::Request{{"Work", "w"}, {"Action", "read"}, {"Doc", "d"}, cedar::Value::FromRecord({{"x", 1}})}}) {
    EXPECT_EQ(Decide(*catalog, request, none, zero, zero).reason, "bad-request");
  }
}

TEST(Decision, GroupsOfActionsHoldThoughNoStoreKnowsThem) {
  const auto catalog = MustLoad(
      {{"a.cedarschema", R"(entity Doc; @task("x") entity Work; action all; action read in [all] appliesTo { principal: [Work], resource: [Doc] };)"},
       {"a.cedar",
        "permit(principal is Work, action in Action::\"all\", resource == Doc::\"a\");"
        "permit(principal is Work, action == Action::\"read\", resource == Doc::\"b\");"
        "forbid(principal is Work, action in Action::\"all\", resource == Doc::\"b\");"}});
  const cedar::Entities none;
  auto zero = [](const std::string&) { return 0u; };
  EXPECT_EQ(Decide(*catalog, {{"Work", "w"}, {"Action", "read"}, {"Doc", "a"}}, none, zero, zero).reason, "allowed");
  EXPECT_EQ(Decide(*catalog, {{"Work", "w"}, {"Action", "read"}, {"Doc", "b"}}, none, zero, zero).reason, "forbidden");
}

TEST(Decision, BothCatalogsMustAllow) {
  const std::string once = kPermit + Forbid("@id(\"u\") @after_uses(\"1\")"), asks = kPermit + Forbid("@id(\"a\") @unless_approved(\"1\")");
  auto ask = [](const std::string& pinned, const std::string& current, std::uint32_t approved) {
    const auto a = MustLoad({{"a.cedarschema", kSchema}, {"a.cedar", pinned}}), b = MustLoad({{"a.cedarschema", kSchema}, {"a.cedar", current}});
    const cedar::Entities facts = MustRead(*a, kFacts);
    cedar::OverlayEntities view(facts);
    cedar::Entity task{{"Work", "tsk_1"}, {}, {}, {}};
    task.attributes.emplace("doc", cedar::Value(cedar::EntityUid{"Doc", "d"}));
    view.Add(std::make_shared<const cedar::Entity>(task));
    return Short(DecideBoth(
        *a, *b, {task.uid, {"Action", "read"}, {"Doc", "d"}}, view, [](const std::string&) { return 0u; },
        [=](const std::string&) { return approved; }));
  };
  EXPECT_EQ(ask(kPermit, kPermit, 0), "allow allowed p");
  EXPECT_EQ(ask(kPermit, "", 0), "deny no-permit");
  EXPECT_EQ(ask("", kPermit, 0), "deny no-permit");
  EXPECT_EQ(ask(once, kPermit, 0), "allow allowed p -u");
  EXPECT_EQ(ask(once, asks, 0), "wait needs-approval a");
  EXPECT_EQ(ask(once, asks, 1), "allow allowed p -u -a");
  EXPECT_EQ(ask(asks, "", 1), "deny no-permit");
}

TEST(RequestHash, ChangesWithEverythingThatIsAskedFor) {
  TaskRecord r;
  r.id = "tsk_1";
  r.nonce = "n";
  r.parameters = json::Object{{"a", 1}};
  r.ttl = std::chrono::minutes(15);
  const PermissionSet none;
  const Hash before = RequestHash(r, none);
  EXPECT_EQ(RequestHash(r, none), before);
  const std::vector<std::function<void(TaskRecord&)>> changes = {[](TaskRecord& t) { t.id += "x"; },
                                                                 [](TaskRecord& t) { t.nonce += "x"; },
                                                                 [](TaskRecord& t) { t.type += "x"; },
                                                                 [](TaskRecord& t) { t.actor.id += "x"; },
                                                                 [](TaskRecord& t) { t.chain.push_back({"A", "x"}); },
                                                                 [](TaskRecord& t) { t.reason += "x"; },
                                                                 [](TaskRecord& t) { t.catalog += "x"; },
                                                                 [](TaskRecord& t) { t.ttl += Duration(1); },
                                                                 [](TaskRecord& t) { t.parent = "x"; },
                                                                 [](TaskRecord& t) { t.parameters.AsObject().Set("a", 2); }};
  for (const auto& change : changes) {
    TaskRecord other = r;
    change(other);
    EXPECT_NE(RequestHash(other, none), before);
  }
  PermissionSet some;
  some.permissions.push_back({.action = {"Action", "a"}, .resource = {"Doc", "d"}});
  EXPECT_NE(RequestHash(r, some), before);
  // Who said yes, and when the request itself runs out, is not what is asked for.
  r.approvals.push_back({{"Employee", "ada"}, Time{}});
  r.deadline = FromMicros(5);
  EXPECT_EQ(RequestHash(r, none), before);
}

}  // namespace
}  // namespace remit::task
