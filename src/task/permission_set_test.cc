// Permission sets are what the policies say: never wider, and not narrower where nothing but the task and the resource's name matters.
#include <rapidcheck.h>

#include "cedar/parser.h"
#include "json/write.h"
#include "task/decision.h"
#include "task/residual.h"
#include "task/test_catalogs.h"

namespace remit::task {
namespace {

constexpr const char* kSchema = R"(
  @actor entity Bot;
  entity Folder in [Folder];
  entity Doc in [Folder] = { level: Long, public: Bool, twin?: Doc };
  @task("work on documents") entity Work = { doc: Doc, folder: Folder, docs: Set<Doc>, n: Long, flag: Bool, maybe?: Doc };
  action read, write appliesTo { principal: [Work], resource: [Doc], context: { mfa: Bool } };
)";

constexpr const char* kFacts = R"([
  {"uid": {"type": "Folder", "id": "f"}, "attrs": {}, "parents": []},
  {"uid": {"type": "Folder", "id": "f/g"}, "attrs": {}, "parents": [{"type": "Folder", "id": "f"}]},
  {"uid": {"type": "Doc", "id": "a"}, "attrs": {"level": 1, "public": true, "twin": {"__entity": {"type": "Doc", "id": "b"}}}, "parents": [{"type": "Folder", "id": "f"}]},
  {"uid": {"type": "Doc", "id": "b"}, "attrs": {"level": 3, "public": false}, "parents": [{"type": "Folder", "id": "f/g"}]},
  {"uid": {"type": "Doc", "id": "c"}, "attrs": {"level": 5, "public": true}, "parents": []}
])";

const std::vector<std::string> kDocs = {"a", "b", "c", "ghost"};  // nothing is known of the ghost

cedar::Entity AnyTask() {
  auto doc = [] { return cedar::Value(cedar::EntityUid{"Doc", *rc::gen::elementOf(kDocs)}); };
  cedar::Entity task{{"Work", "tsk_1"}, {}, {}, {}};
  task.attributes.emplace("doc", doc());
  task.attributes.emplace("folder", cedar::Value(cedar::EntityUid{"Folder", *rc::gen::element<std::string>("f", "f/g")}));
  std::vector<cedar::Value> docs;
  for (int n = *rc::gen::inRange(0, 3); n > 0; --n) docs.push_back(doc());
  task.attributes.emplace("docs", cedar::Value::Set(std::move(docs)));
  task.attributes.emplace("n", cedar::Value(std::int64_t{*rc::gen::inRange(0, 4)}));
  task.attributes.emplace("flag", cedar::Value(*rc::gen::arbitrary<bool>()));
  if (*rc::gen::arbitrary<bool>()) task.attributes.emplace("maybe", doc());
  return task;
}

std::string AnyCondition(int depth) {
  const std::vector<std::string> atoms = {"resource == principal.doc",
                                          "principal.doc == resource",
                                          "resource != principal.doc",
                                          "resource in principal.folder",
                                          "principal.docs.contains(resource)",
                                          "resource in principal.docs",
                                          "resource == Doc::\"a\"",
                                          "resource in Folder::\"f\"",
                                          "resource in [principal.doc, Doc::\"c\"]",
                                          "[Doc::\"a\", principal.doc].contains(resource)",
                                          "(principal has maybe && resource == principal.maybe)",
                                          "resource.level < 4",
                                          "resource.public",
                                          "principal.n > 1",
                                          "principal.flag",
                                          "principal.doc.level == 1",
                                          "(principal.doc has twin && resource == principal.doc.twin)",
                                          "principal.doc in Folder::\"f\"",
                                          "principal.n + 9223372036854775806 > 0",
                                          "resource.level + 9223372036854775804 > 0",
                                          "context.mfa",
                                          "(context.mfa && resource.public)",
                                          "resource in Folder::\"f/g\"",
                                          "resource == resource",
                                          "true"};
  if (depth == 0 || *rc::gen::inRange(0, 3) == 0) return *rc::gen::elementOf(atoms);
  switch (*rc::gen::inRange(0, 4)) {
    case 0: return "(" + AnyCondition(depth - 1) + " && " + AnyCondition(depth - 1) + ")";
    case 1: return "(" + AnyCondition(depth - 1) + " || " + AnyCondition(depth - 1) + ")";
    case 2: return "!(" + AnyCondition(depth - 1) + ")";
    default: return "(if " + AnyCondition(depth - 1) + " then " + AnyCondition(depth - 1) + " else " + AnyCondition(depth - 1) + ")";
  }
}

std::string AnyPolicies() {
  std::string text;
  for (int n = *rc::gen::inRange(1, 6); n > 0; --n) {
    const bool permit = *rc::gen::inRange(0, 3) != 0;
    if (!permit) text += *rc::gen::element<std::string>("", "", "@after_uses(\"1\")\n", "@unless_approved(\"1\")\n");
    text += permit ? "permit" : "forbid";
    text += *rc::gen::element<std::string>("(principal is Work, ", "(principal, ");
    text += *rc::gen::element<std::string>("action == Action::\"read\", ", "action in [Action::\"read\", Action::\"write\"], ");
    text += *rc::gen::element<std::string>("resource)", "resource is Doc)", "resource == Doc::\"b\")", "resource in Folder::\"f\")");
    for (int c = *rc::gen::inRange(0, 3); c > 0; --c) text += *rc::gen::element<std::string>(" when { ", " unless { ") + AnyCondition(2) + " }";
    text += ";\n";
  }
  return text;
}

bool Holds(const std::string& condition, const cedar::Request& request, const cedar::EntityView& entities) {
  const auto value = cedar::EvaluateExpr(**cedar::ParseExpr(condition), request, entities);
  return value && value->AsBool();
}

bool Names(const Permission& p, const cedar::Request& request, const cedar::EntityView& entities) {
  if (p.action != request.action) return false;
  switch (p.scope) {
    case Permission::Scope::kEqual: return p.resource == request.resource;
    case Permission::Scope::kIs: return p.resource.type == request.resource.type;
    case Permission::Scope::kIn:
      return (p.member_type.empty() || p.member_type == request.resource.type) &&
             (p.resource == request.resource || entities.IsDescendant(request.resource, p.resource));
  }
  return false;
}

// Whether an obligation's condition can be told at all; a forbid that fails denies.
bool Certain(const Obligation& o, const cedar::Request& request, const cedar::EntityView& entities) {
  return o.condition.empty() || cedar::EvaluateExpr(**cedar::ParseExpr(o.condition), request, entities).has_value();
}

TEST(PermissionsProperty, AreWhatDecisionsSay) {
  EXPECT_TRUE(rc::check("permission sets and decisions agree", [] {
    const std::string policies = AnyPolicies();
    const cedar::Entity task = AnyTask();
    const Catalog::Loaded loaded = Catalog::Load({{"a.cedarschema", kSchema}, {"a.cedar", policies}});
    RC_LOG(policies + Describe(loaded.errors));
    RC_ASSERT(loaded.catalog != nullptr);
    const Catalog& catalog = *loaded.catalog;
    const cedar::Entities facts = MustRead(catalog, kFacts);
    cedar::OverlayEntities view(facts);
    view.Add(std::make_shared<const cedar::Entity>(task));
    const PermissionSet set = PermissionsOf(catalog, task, facts);
    RC_LOG(json::Write(set.ToJson()));
    for (const char* action : {"read", "write"}) {
      for (const std::string& doc : kDocs) {
        for (const bool mfa : {false, true}) {
          const cedar::Request request{task.uid, {"Action", action}, {"Doc", doc}, cedar::Value::FromRecord({{"mfa", mfa}})};
          auto none = [](const std::string&) { return 0u; };
          auto many = [](const std::string&) { return 9u; };
          const bool as_it_is = Decide(catalog, request, view, none, none).verdict == Decision::Verdict::kAllow;
          const bool lifted = Decide(catalog, request, view, none, many).verdict == Decision::Verdict::kAllow;
          bool plain = false, covered = false;
          for (const Permission& p : set.permissions) {
            if (!Names(p, request, view)) continue;
            if (p.IsPlain()) plain = true;
            const bool holds = std::ranges::all_of(p.conditions, [&](const std::string& c) { return Holds(c, request, view); });
            if (holds && std::ranges::all_of(p.obligations, [&](const Obligation& o) { return Certain(o, request, view); })) covered = true;
          }
          RC_LOG(std::string(action) + " " + doc + (mfa ? " with mfa" : ""));
          if (doc == "ghost") {
            RC_ASSERT(!as_it_is && !lifted);  // of which nothing is known
            continue;
          }
          if (plain) RC_ASSERT(as_it_is);  // nothing is granted that a decision would refuse
          RC_ASSERT(covered == lifted);    // nothing is missing, nothing is too much
        }
      }
    }
    for (const Permission& p : set.permissions) RC_ASSERT(p.resource.id != "ghost");
  }));
}

TEST(PermissionsProperty, WhatTwoCatalogsAllowIsAllowedByBoth) {
  EXPECT_TRUE(rc::check([] {
    const cedar::Entity task = AnyTask();
    const auto a = MustLoad({{"a.cedarschema", kSchema}, {"a.cedar", AnyPolicies()}});
    const auto b = MustLoad({{"a.cedarschema", kSchema}, {"a.cedar", AnyPolicies()}});
    const cedar::Entities facts = MustRead(*a, kFacts);
    const PermissionSet sa = PermissionsOf(*a, task, facts), sb = PermissionsOf(*b, task, facts);
    for (const Permission& p : Intersect(sa, sb).permissions) {
      if (!p.IsPlain() || p.scope != Permission::Scope::kEqual) continue;
      cedar::OverlayEntities view(facts);
      view.Add(std::make_shared<const cedar::Entity>(task));
      const cedar::Request request{task.uid, p.action, p.resource, cedar::Value::FromRecord({{"mfa", false}})};
      auto none = [](const std::string&) { return 0u; };
      RC_ASSERT(DecideBoth(*a, *b, request, view, none, none).verdict == Decision::Verdict::kAllow);
    }
  }));
}

std::vector<std::string> Bound(const std::string& policies) {
  const auto catalog = MustLoad({{"a.cedarschema", kSchema}, {"a.cedar", policies}});
  cedar::Entity task{{"Work", "tsk_1"}, {}, {}, {}};
  task.attributes.emplace("doc", cedar::Value(cedar::EntityUid{"Doc", "a"}));
  task.attributes.emplace("folder", cedar::Value(cedar::EntityUid{"Folder", "f/g"}));
  task.attributes.emplace("docs", cedar::Value::Set({cedar::EntityUid{"Doc", "b"}, cedar::EntityUid{"Doc", "c"}}));
  task.attributes.emplace("n", cedar::Value(1));
  task.attributes.emplace("flag", cedar::Value(true));
  std::vector<std::string> lines;
  for (const Permission& p : PermissionsOf(*catalog, task, MustRead(*catalog, kFacts)).permissions) {
    std::string line = p.action.id +
                       (p.scope == Permission::Scope::kIn   ? " in "
                        : p.scope == Permission::Scope::kIs ? " any "
                                                            : " ") +
                       (p.scope == Permission::Scope::kIs ? p.resource.type : p.resource.ToString());
    for (const std::string& c : p.conditions) line += " when " + c;
    lines.push_back(line);
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(Permissions, ASetGivesOneForEachMember) {
  EXPECT_EQ(Bound("permit(principal, action == Action::\"read\", resource) when { principal.docs.contains(resource) };"),
            (Lines{"read Doc::\"b\"", "read Doc::\"c\""}));
  EXPECT_EQ(Bound("permit(principal, action == Action::\"read\", resource) when { resource in principal.docs };"),
            (Lines{"read Doc::\"b\"", "read Doc::\"c\""}));
}

TEST(Permissions, AContainerStaysAContainer) {
  EXPECT_EQ(Bound("permit(principal, action == Action::\"read\", resource) when { resource in principal.folder };"),
            (Lines{"read in Folder::\"f/g\""}));
}

TEST(Permissions, AForbidOnAContainerTakesWhatLiesInIt) {
  EXPECT_EQ(Bound("permit(principal, action == Action::\"read\", resource) when { principal.docs.contains(resource) };"
                  "forbid(principal, action in [Action::\"read\"], resource in Folder::\"f\");"),
            (Lines{"read Doc::\"c\""}));
  EXPECT_EQ(Bound("permit(principal, action == Action::\"read\", resource) when { resource in principal.folder };"
                  "forbid(principal, action in [Action::\"read\"], resource in Folder::\"f\");"),
            Lines{});
}

TEST(Permissions, AForbidOnOneOfAContainerBecomesACondition) {
  EXPECT_EQ(Bound("permit(principal, action == Action::\"read\", resource) when { resource in principal.folder };"
                  "forbid(principal, action in [Action::\"read\"], resource == Doc::\"b\");"),
            (Lines{"read in Folder::\"f/g\" when !(resource == Doc::\"b\")"}));
}

TEST(Permissions, ConditionsOnTheTaskAloneAreDecided) {
  EXPECT_EQ(Bound("permit(principal, action == Action::\"read\", resource) when { resource == principal.doc && principal.n > 1 };"), Lines{});
  EXPECT_EQ(Bound("permit(principal, action == Action::\"read\", resource) when { resource == principal.doc && principal.flag };"),
            (Lines{"read Doc::\"a\""}));
}

TEST(Permissions, WhatMayFailFirstStandsAsACondition) {
  // Where the product does not fit, the first way fails and the whole policy with it: the second way is not exact.
  const Lines lines = Bound(
      "permit(principal, action == Action::\"read\", resource) when { resource.level * 9223372036854775807 > 9 || resource == principal.doc };");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "read Doc::\"a\" when resource.level * 9223372036854775807 > 9 || true");
}

}  // namespace
}  // namespace remit::task
