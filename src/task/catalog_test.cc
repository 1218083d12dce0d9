// A catalog loads whole or is refused, with the place; what a target enforces natively must be exact.
#include "task/catalog.h"

#include "json/write.h"
#include "task/builtin_schema.h"
#include "task/test_catalogs.h"

namespace remit::task {
namespace {

constexpr const char* kSchema = R"(
  @actor entity Bot;
  entity Doc = { level: Long };
  @task("x") @name("work") entity Work = { actor: Bot, doc: Doc, table: Postgres::Table, tables: Set<Postgres::Table>, path: Secret::Path, n: Long };
  action "doc.read" appliesTo { principal: [Work], resource: [Doc], context: { mfa: Bool } };
)";

std::string Select(const std::string& when) {
  return "permit(principal is Work, action == Postgres::Action::\"select\", resource) when { " + when + " };";
}

std::vector<cedar::Diagnostic> Errors(const std::string& policies, const PermissionCheck& check = {}) {
  return Catalog::Load({{"a.cedarschema", kSchema}, {"a.cedar", policies}}, check).errors;
}

TEST(Catalog, NamesAndParametersAreThoseOfTheSchema) {
  const auto catalog = MustLoad({{"a.cedarschema", kSchema}});
  const TaskType& t = *catalog->FindType("work");
  EXPECT_EQ(t.entity_type, "Work");
  EXPECT_TRUE(t.has_actor);
  EXPECT_EQ(t.actor_type, "Bot");
  ASSERT_EQ(t.parameters.size(), 5u);
  EXPECT_EQ(t.parameters[0].name, "doc");
  EXPECT_EQ(t.parameters[2].type->ToString(), "Set<Postgres::Table>");
  EXPECT_EQ(catalog->FindType("nothing"), nullptr);
  EXPECT_TRUE(catalog->IsActor("Bot"));
  EXPECT_FALSE(catalog->IsActor("Doc"));
  EXPECT_TRUE(catalog->IsOpen("Secret::Path"));
  EXPECT_FALSE(catalog->IsOpen("Doc"));
}

TEST(Catalog, TheHashIsOfNamesAndTextsWhateverTheOrder) {
  const auto a = MustLoad({{"a.cedarschema", kSchema}, {"b.cedar", Select("resource == principal.table")}});
  const auto b = MustLoad({{"b.cedar", Select("resource == principal.table")}, {"a.cedarschema", kSchema}});
  const auto c = MustLoad({{"c.cedar", Select("resource == principal.table")}, {"a.cedarschema", kSchema}});
  EXPECT_EQ(a->hash(), b->hash());
  EXPECT_NE(a->hash(), c->hash());
  EXPECT_EQ(a->hash().size(), 64u);
  const auto files = Catalog::DecodeFiles(a->Encode());
  ASSERT_TRUE(files);
  EXPECT_EQ(MustLoad(*files)->hash(), a->hash());
  EXPECT_EQ(Catalog::DecodeFiles(a->Encode() + "x").error().reason, "store-corrupt");
}

TEST(Catalog, ReportsEveryFileThatIsWrong) {
  const auto loaded = Catalog::Load({{"a.cedarschema", kSchema}, {"b.cedar", "permit("}, {"c.cedar", "forbid(principal"}});
  EXPECT_EQ(loaded.catalog, nullptr);
  ASSERT_EQ(loaded.errors.size(), 2u);
  EXPECT_TRUE(loaded.errors[0].span.ToString().starts_with("b.cedar:1:")) << loaded.errors[0].span.ToString();
  EXPECT_TRUE(loaded.errors[1].span.ToString().starts_with("c.cedar:1:"));
}

TEST(Catalog, IsRefusedWhole) {
  EXPECT_EQ(Catalog::Load({}).errors[0].reason, "empty-catalog");
  EXPECT_EQ(Catalog::Load({{"a.txt", ""}}).errors[0].reason, "bad-file-name");
  EXPECT_EQ(Catalog::Load({{"../a.cedar", ""}}).errors[0].reason, "bad-file-name");
  EXPECT_EQ(Refusal("entity A; entity A;", ""), "duplicate-declaration");
  EXPECT_EQ(Refusal("namespace Remit { entity Mine; }", ""), "reserved-namespace");
  EXPECT_EQ(Refusal("@task(\"x\") @name(\"a\") entity A; @task(\"x\") @name(\"a\") entity B;", ""), "duplicate-name");
  EXPECT_EQ(Refusal("@task(\"x\") @name(\"b\") entity A; entity b;", ""), "duplicate-name");
  EXPECT_EQ(Refusal("entity G; @task(\"x\") entity A in [G];", ""), "bad-task-type");
  EXPECT_EQ(Refusal("@task(\"x\") entity A = { actor: String };", ""), "bad-task-type");
  EXPECT_EQ(Refusal("entity B; @task(\"x\") entity A = { actor: B };", ""), "bad-task-type");
  EXPECT_EQ(Refusal("@task(\"x\") entity A = { deadline: Long };", ""), "bad-task-type");
  EXPECT_EQ(Refusal("@task(\"x\") entity A = { parent: A };", ""), "bad-task-type");
  EXPECT_EQ(Refusal("@task(\"x\") entity A tags String;", ""), "bad-task-type");
}

TEST(Catalog, ANameThatRemitHidesIsExplained) {
  const auto loaded = Catalog::Load({{"a.cedarschema", "entity Server;"}});
  ASSERT_FALSE(loaded.errors.empty());
  EXPECT_EQ(loaded.errors[0].reason, "shadowed-declaration");
  EXPECT_EQ(loaded.errors[0].hint, "declare yours in a namespace of its own");
  // Namespaces of targets are there only where the catalog speaks of them.
  EXPECT_EQ(Refusal("entity Table; entity Path;", ""), "");
}

TEST(Catalog, DoesNotValidateIsRefused) {
  EXPECT_FALSE(Errors("permit(principal is Work, action == Action::\"doc.read\", resource) when { resource.size > 3 };").empty());
  EXPECT_FALSE(Errors("permit(principal is Wrok, action == Action::\"doc.read\", resource);").empty());
  EXPECT_FALSE(Errors("permit(principal == ?principal, action == Action::\"doc.read\", resource);").empty());
}

TEST(Catalog, TheSameFileInTwoFoldersCountsOnce) {
  const auto catalog = MustLoad({{"a/people.cedarschema", "entity Team;"}, {"b/people.cedarschema", "entity Team;"}});
  EXPECT_EQ(catalog->files().size(), 1u);
  EXPECT_EQ(Catalog::Load({{"a/people.cedarschema", "entity Team;"}, {"b/people.cedarschema", "entity Team ;"}}).errors[0].reason,
            "duplicate-declaration");
}

TEST(Catalog, LikeOnAPathIsRefused) {
  EXPECT_EQ(Errors("permit(principal is Work, action == Secret::Action::\"read\", resource) when { \"a\" like \"prod/*\" };")[0].reason,
            "like-on-path");
}

// --- obligations that nothing can lift, or anything

constexpr const char* kLifted = R"(
  entity Team; @actor entity Agent in [Team]; @person entity Employee in [Team]; entity Ticket;
  @task("x") @delegable entity Triage = { ticket: Ticket };
  action "read", "write" appliesTo { principal: [Triage], resource: [Ticket] };
)";

// "" where it loads; else which annotation bears on what.
std::string NotLifted(const std::string& policy) {
  const Catalog::Loaded loaded = Catalog::Load({{"a.cedarschema", kLifted}, {"a.cedar", "@id(\"f\") " + policy}});
  if (loaded.errors.empty()) return "";
  EXPECT_EQ(loaded.errors[0].reason, "cannot-be-lifted") << Describe(loaded.errors);
  EXPECT_FALSE(loaded.errors[0].hint.empty());
  EXPECT_EQ(loaded.errors[0].span.ToString().substr(0, 8), "a.cedar:");
  return loaded.errors[0].message;
}

TEST(Lifts, UsesOfAVerbThatNobodyCountsAreRefused) {
  for (const char* verb :
       {"suspend", "resume", "complete", "revoke", "approve", "deny", "view", "enforce", "break_glass", "catalog.load", "target.change",
        "actor.change", "person.change", "key.rotate", "sweep.adopt", "offboard", "replace.apply", "administer", "facts.put"}) {
    const std::string action = "Remit::Action::\"" + std::string(verb) + "\"";
    const std::string why = "`@after_uses` of `f` bears on `" + action + "`, whose uses nobody counts";
    EXPECT_EQ(NotLifted("@after_uses(\"1\") forbid (principal, action == " + action + ", resource);"), why);
    EXPECT_EQ(NotLifted("@after_uses(\"1\") forbid (principal, action in [" + action + ", Remit::Action::\"extend\"], resource);"), why);
  }
  // A scope that says nothing covers verbs too, however it is written.
  EXPECT_NE(NotLifted("@after_uses(\"3\") forbid (principal, action, resource);"), "");
  EXPECT_NE(NotLifted("@after_uses(\"3\") forbid (principal, action, resource is Ticket);"), "");  // enforce
  EXPECT_NE(NotLifted("@after_uses(\"3\") forbid (principal is Employee, action, resource);"), "");
  EXPECT_NE(NotLifted("@after_uses(\"3\") forbid (principal in Team::\"a\", action, resource);"), "");
}

TEST(Lifts, AStartAloneIsNotLimitedByUses) {
  EXPECT_EQ(NotLifted("@after_uses(\"1\") forbid (principal, action == Remit::Action::\"start\", resource is Triage);"),
            "`@after_uses` of `f` bears on nothing but starts, and a task starts once");
  const auto loaded = Catalog::Load(
      {{"a.cedarschema", kLifted}, {"a.cedar", "@after_uses(\"1\") forbid (principal, action == Remit::Action::\"start\", resource);"}});
  EXPECT_TRUE(loaded.errors.at(0).hint.starts_with("`@max_starts(")) << loaded.errors[0].hint;
}

TEST(Lifts, WhatIsCountedLoads) {
  EXPECT_EQ(NotLifted("@after_uses(\"1\") forbid (principal is Triage, action == Action::\"write\", resource);"), "");
  EXPECT_EQ(NotLifted("@after_uses(\"1\") forbid (principal is Triage, action, resource);"), "");  // of verbs, only `delegate` asks a task
  EXPECT_EQ(NotLifted("@after_uses(\"1\") forbid (principal, action, resource) when { principal is Triage };"), "");
  EXPECT_EQ(NotLifted("@after_uses(\"1\") forbid (principal, action == Action::\"write\", resource);"), "");
  for (const char* verb : {"extend", "delegate"})
    EXPECT_EQ(NotLifted("@after_uses(\"1\") forbid (principal, action == Remit::Action::\"" + std::string(verb) + "\", resource);"), "");
  EXPECT_EQ(NotLifted("@after_uses(\"1\") forbid (principal, action in [Remit::Action::\"start\", Remit::Action::\"extend\"], resource);"), "");
}

TEST(Lifts, AYesToWhatCannotWaitIsRefused) {
  for (const char* verb : {"suspend", "resume", "complete", "revoke", "approve", "deny", "view", "enforce", "break_glass", "target.change",
                           "sweep.adopt", "offboard", "replace.apply", "administer"}) {
    const std::string action = "Remit::Action::\"" + std::string(verb) + "\"";
    EXPECT_EQ(NotLifted("@unless_approved(\"1\") forbid (principal, action == " + action + ", resource);"),
              "`@unless_approved` of `f` bears on `" + action + "`, which cannot wait for a yes");
  }
  EXPECT_NE(NotLifted("@unless_approved(\"1\") forbid (principal, action, resource);"), "");
  EXPECT_NE(NotLifted("@unless_approved(\"1\") forbid (principal, action, resource is Triage);"), "");
  EXPECT_EQ(NotLifted("@unless_approved(\"1\") forbid (principal is Triage, action, resource);"), "");
  for (const char* verb : {"start", "extend", "delegate", "catalog.load", "facts.put", "actor.change", "person.change", "key.rotate"})
    EXPECT_EQ(NotLifted("@unless_approved(\"1\") forbid (principal, action == Remit::Action::\"" + std::string(verb) + "\", resource);"), "");
}

// One that is in a store already is read, so that a newer Remit starts, and says what is wrong.
TEST(Lifts, OfACatalogInTheStoreAreWarnings) {
  const std::vector<CatalogFile> files = {{"a.cedar", "@after_uses(\"1\") forbid (principal, action == Remit::Action::\"suspend\", resource);"},
                                          {"a.cedarschema", "@actor entity A; @task(\"x\") @max_ttl(\"5m\") @break_glass(\"5m\") entity T;"}};
  EXPECT_EQ(Catalog::Load(files).catalog, nullptr);
  const Catalog::Loaded kept = Catalog::ReadBack(files);
  EXPECT_NE(kept.catalog, nullptr) << Describe(kept.errors);
  std::vector<std::string> reasons;
  for (const auto& warning : kept.warnings) reasons.push_back(warning.reason);
  EXPECT_EQ(std::ranges::count(reasons, "cannot-be-lifted"), 1) << Describe(kept.warnings);
  EXPECT_EQ(std::ranges::count(reasons, "malformed-annotation"), 1) << Describe(kept.warnings);
  // All else that is wrong is still refused.
  EXPECT_EQ(Catalog::ReadBack({{"a.cedarschema", "entity A; entity A;"}}).catalog, nullptr);
}

TEST(Native, ExactPermissionsPass) {
  EXPECT_TRUE(Errors(Select("resource == principal.table")).empty());
  EXPECT_TRUE(Errors(Select("principal.table == resource && principal.n > 3")).empty());
  EXPECT_TRUE(Errors(Select("principal.tables.contains(resource)")).empty());
  EXPECT_TRUE(Errors(Select("resource in principal.tables")).empty());
  EXPECT_TRUE(Errors(Select("resource == Postgres::Table::\"o/a.b\" || resource == principal.table")).empty());
  EXPECT_TRUE(Errors(Select("if principal.n > 3 then resource == principal.table else false")).empty());
  EXPECT_TRUE(Errors("permit(principal is Work, action == Postgres::Action::\"select\", resource == Postgres::Table::\"o/a.b\");").empty());
  EXPECT_TRUE(Errors(Select("resource == principal.table") +
                     "forbid(principal, action == Postgres::Action::\"select\", resource in Postgres::Schema::\"o/secret\");")
                  .empty());
}

TEST(Native, WhatTheDatabaseCannotCheckRefusesTheCatalog) {
  auto why = [](const std::string& policies) {
    const auto errors = Errors(policies);
    return errors.empty() ? "" : errors[0].span.ToString() + " " + errors[0].reason + ": " + errors[0].message;
  };
  const std::string intro =
      "a.cedar:1:1 not-enforceable: `Postgres::Action::\"select\"` for `Work` is enforced by the database itself, which needs exact grants: ";
  EXPECT_EQ(why("permit(principal is Work, action == Postgres::Action::\"select\", resource);"), intro + "it names no table");
  EXPECT_EQ(why(Select("resource != principal.table")), intro + "`resource != principal.table` looks at the resource");
  EXPECT_EQ(
      why(Select("resource == principal.table") + "@after_uses(\"1\") forbid(principal is Work, action == Postgres::Action::\"select\", resource);"),
      intro + "the obligation `a.cedar:2` stands on it");
  EXPECT_EQ(why(Select("resource in Postgres::Schema::\"o/public\"") +
                "forbid(principal, action == Postgres::Action::\"select\", resource == Postgres::Table::\"o/public.secret\");"),
            intro + "the forbid `a.cedar:2` takes part of it away, by `resource == Postgres::Table::\"o/public.secret\"`");
}

TEST(Native, OtherPermissionsMayLookAtAnything) {
  const auto catalog = MustLoad({{"a.cedarschema", kSchema},
                                 {"a.cedar",
                                  "permit(principal is Work, action == Action::\"doc.read\", resource) when { resource == principal.doc && "
                                  "resource.level < 3 && context.mfa };"}});
  ASSERT_EQ(catalog->stated().size(), 1u);
  EXPECT_FALSE(catalog->stated()[0].plain);
  EXPECT_EQ(catalog->stated()[0].operand, "principal.doc");
}

TEST(Native, TheCallersCheckRefusesToo) {
  auto refuse = [](const StatedPermission& p) -> Status {
    if (p.resource && p.resource->id == "o/a.view") return Fail(Code::kUnsupported, "not-enforceable", "a view cannot be granted");
    return {};
  };
  const auto errors = Errors("permit(principal is Work, action == Postgres::Action::\"select\", resource == Postgres::Table::\"o/a.view\");", refuse);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].span.ToString(), "a.cedar:1:1");
  EXPECT_EQ(errors[0].message, "a view cannot be granted");
}

TEST(Warnings, ARoleInDisguiseHasAName) {
  auto warning = [](const std::string& policies) {
    const auto loaded = Catalog::Load({{"a.cedarschema", kSchema}, {"a.cedar", policies}});
    EXPECT_EQ(Describe(loaded.errors), "");
    return loaded.warnings.empty() ? std::string() : loaded.warnings[0].reason;
  };
  const std::string start = "permit(principal is Bot, action == Remit::Action::\"start\", resource is Work);";
  EXPECT_EQ(warning(start + "permit(principal is Work, action == Action::\"doc.read\", resource);"), "role-in-disguise");
  EXPECT_EQ(warning(start + "permit(principal is Work, action == Action::\"doc.read\", resource == Doc::\"a\");"), "role-in-disguise");
  EXPECT_EQ(warning(start + "permit(principal is Work, action == Action::\"doc.read\", resource) when { resource == principal.doc };"), "");
  EXPECT_EQ(warning("permit(principal is Work, action == Action::\"doc.read\", resource) when { resource == principal.doc };"), "nobody-may-start");
  // All that is in a container that holds everything is no narrower, also beside what a parameter narrows.
  const std::string narrow = start + "permit(principal is Work, action == Action::\"doc.read\", resource) when { resource == principal.doc };";
  EXPECT_EQ(warning(narrow + "permit(principal is Work, action == Secret::Action::\"read\", resource in Secret::Folder::\"prod\");"),
            "role-in-disguise");
  EXPECT_EQ(warning(narrow + "permit(principal is Work, action == Secret::Action::\"read\", resource in Secret::Folder::\"prod/db\");"), "");
}

TEST(Explain, ShowsATypeWhoseParametersAreNotKnownYet) {
  const auto catalog = MustLoad(ReadyMade("support"));
  const json::Value explained = ExplainType(*catalog, *catalog->FindType("triage"));
  EXPECT_EQ(*explained.FindString("purpose"), "Triage one support ticket");
  const json::Array& permissions = explained.Find("permissions")->AsArray();
  ASSERT_EQ(permissions.size(), 3u);
  const std::string expected = R"x({"action":"Action::\"ticket.comment\"","resource":"principal.ticket","type":"Ticket",)x"
                               R"x("obligations":["@after_uses(\"1\")","@unless_approved(\"1\") when resource.project == \"vip\""],"plain":false,)x"
                               R"x("why_not_plain":"the obligation `comment-once` stands on it","policy":"comment-on-its-ticket",)x"
                               R"x("place":"support/support.cedar:6:1"})x";
  EXPECT_EQ(json::Write(permissions[0]), expected);
  const json::Array& may_start = explained.Find("may_start")->AsArray();
  ASSERT_EQ(may_start.size(), 1u);
  EXPECT_EQ(*may_start[0].FindString("text"),
            "@id(\"support-agents-start\")\npermit (principal is Agent in Team::\"support\", action == Remit::Action::\"start\", resource is "
            "TriageTicket);");
}

}  // namespace
}  // namespace remit::task
