// Tests of catalogs: expected decisions are compared, coverage is counted, and a file with a slip in it is refused rather than passed.
#include "task/catalog_test_file.h"

#include "task/test_catalogs.h"

namespace remit::task {
namespace {

class CatalogTestFile : public testing::Test {
 protected:
  json::Value Case(json::Object fields) const {
    json::Object c{{"task", "triage"},
                   {"params", json::Object{{"ticket", "T-1"}}},
                   {"actor", "Agent::\"triage-bot\""},
                   {"action", "ticket.read"},
                   {"resource", "Ticket::\"T-1\""},
                   {"expect", "allow"}};
    for (auto& [name, value] : fields) {
      if (value.IsNull()) {
        c.Erase(name);
      } else {
        c.Set(name, value);
      }
    }
    return json::Object{{"case", json::Array{std::move(c)}}};
  }
  Result<CatalogTestReport> Run(json::Object fields) const { return RunCatalogTests(*catalog_, Case(std::move(fields)), "x.test.toml", facts_); }
  std::string Failure(json::Object fields) const {
    const auto report = Run(std::move(fields));
    if (!report) return report.error().reason;
    return report->failures.empty() ? "" : report->failures[0].place + ": " + report->failures[0].message;
  }
  std::shared_ptr<const Catalog> catalog_ = MustLoad(ReadyMade("support"));
  cedar::Entities facts_ = MustRead(*catalog_, ReadFile(std::filesystem::path(REMIT_SOURCE_DIR) / "catalogs/support/facts.json"));
};

TEST_F(CatalogTestFile, APassingCaseReachesItsPolicies) {
  const auto report = Run({});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->passed, 1u);
  EXPECT_EQ(report->reached, std::set<std::string>{"read-its-ticket"});
  EXPECT_EQ(Unreached(*catalog_, *report).size(), catalog_->policies().policies().size() - 1);
}

TEST_F(CatalogTestFile, AFailingCaseSaysWhatCameOut) {
  EXPECT_EQ(Failure({{"expect", "deny"}, {"name", "n"}}), "x.test.toml: case 1 `n`: expected deny, got allow (allowed) by `read-its-ticket`");
  EXPECT_EQ(Failure({{"expect", "deny"}, {"reason", "used-up"}, {"resource", "Ticket::\"T-2\""}}),
            "x.test.toml: case 1: expected deny (used-up), got deny (no-permit)");
}

TEST_F(CatalogTestFile, ACaseThatCannotBeRunFails) {
  EXPECT_NE(Failure({{"task", "triag"}}), "");
  EXPECT_NE(Failure({{"params", json::Object{{"ticket", "T-99"}}}}), "");
  EXPECT_NE(Failure({{"actor", "Employee::\"sam\""}}), "");
  EXPECT_NE(Failure({{"action", "ticket.reed"}, {"expect", "deny"}}), "");
}

TEST_F(CatalogTestFile, ASlipInTheFileIsRefused) {
  EXPECT_EQ(Failure({{"expected", "deny"}}), "unknown-field");
  EXPECT_EQ(Failure({{"expect", "allowed"}}), "bad-field");
  EXPECT_EQ(Failure({{"expect", nullptr}}), "missing-field");
  EXPECT_EQ(Failure({{"start", true}}), "bad-field");
  EXPECT_EQ(Failure({{"resource", nullptr}}), "bad-field");
  EXPECT_EQ(Failure({{"uses", json::Object{{"comment-once", -1}}}}), "bad-field");
  EXPECT_EQ(RunCatalogTests(*catalog_, json::Object{{"cases", json::Array{}}}, "x", facts_).error().reason, "missing-field");
}

TEST_F(CatalogTestFile, ACaseSaysWhatTimeItIs) {
  catalog_ = MustLoad({{"a.cedarschema", R"(@actor entity A; @task("x") @timezone("Europe/Berlin") @break_glass("5m") entity T = { actor: A };)"},
                       {"a.cedar", R"(permit (principal, action == Remit::Action::"start", resource is T);
      forbid (principal, action == Remit::Action::"start", resource is T) when { context.local.weekday == 5 && context.local.minute >= 15 * 60 };
      permit (principal, action == Remit::Action::"break_glass", resource is T) unless { context.open_reviews > 0 };)"}});
  auto start = [&](const char* time, const char* expect) {
    json::Object fields{{"task", "T"},       {"params", nullptr},   {"actor", "A::\"a\""}, {"start", true},
                        {"action", nullptr}, {"resource", nullptr}, {"expect", expect}};
    if (*time != '\0') fields.Set("time", time);
    return Failure(std::move(fields));
  };
  EXPECT_EQ(start("", "allow"), "");
  EXPECT_EQ(start("2026-12-04T14:59+01:00", "allow"), "");
  EXPECT_EQ(start("2026-12-04T15:00+01:00", "deny"), "");
  EXPECT_EQ(start("2026-12-04T14:00Z", "deny"), "");
  EXPECT_EQ(start("2026-06-05T13:00Z", "deny"), "");
  EXPECT_EQ(start("2026-06-05T12:59Z", "allow"), "");
  EXPECT_EQ(start("Friday", "deny"), "bad-field");
  auto broken = [&](json::Value reviews, const char* expect) {
    return Failure({{"task", "T"},
                    {"params", nullptr},
                    {"actor", "A::\"a\""},
                    {"by", "A::\"a\""},
                    {"action", "break_glass"},
                    {"resource", nullptr},
                    {"context", json::Object{{"open_reviews", std::move(reviews)}}},
                    {"expect", expect}});
  };
  EXPECT_EQ(broken(0, "allow"), "");
  EXPECT_EQ(broken(1, "deny"), "");
}

TEST_F(CatalogTestFile, EntitiesOfACaseStandOnTopOfTheFacts) {
  const json::Array vip{json::Object{
      {"uid", json::Object{{"type", "Ticket"}, {"id", "T-1"}}}, {"attrs", json::Object{{"project", "vip"}}}, {"parents", json::Array{}}}};
  EXPECT_EQ(Failure({{"action", "ticket.comment"}}), "");
  EXPECT_EQ(Failure({{"action", "ticket.comment"}, {"entities", vip}, {"expect", "needs-approval"}}), "");
}

}  // namespace
}  // namespace remit::task
