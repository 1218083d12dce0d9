// Schemas and validation against the reference implementation, on its own generated tests: schemas in both forms, strict and permissive
// verdicts on policies, entities and requests.
#include <gtest/gtest.h>

#include "cedar/authorizer.h"
#include "cedar/entities.h"
#include "cedar/parser.h"
#include "cedar/schema_json.h"
#include "cedar/validate/corpus.h"
#include "cedar/validator.h"
#include "json/read.h"

namespace remit::cedar {
namespace {

json::Value ReadJson(const std::string& text) {
  auto value = json::Parse(text, {.depth = 1000});
  EXPECT_TRUE(value.has_value()) << value.error().ToString();
  return value.value_or(json::Value());
}

std::string Describe(const std::vector<Diagnostic>& findings) {
  std::string text;
  for (const Diagnostic& finding : findings) text += "\n  " + finding.reason + ": " + finding.message;
  return text;
}

EntityUid UidFrom(const json::Value& value) { return {*value.FindString("type"), *value.FindString("id")}; }

class ValidationConformanceTest : public testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override {
    if (!Corpus::IsThere()) GTEST_SKIP() << "no test data at " << Corpus::Archive();
  }

  void CheckSchema(const std::string& text, const std::string& as_json) {
    const auto schema = Schema::Parse({{"schema", text}});
    ASSERT_TRUE(schema.has_value()) << schema.error().ToString();
    const json::Value expected = ReadJson(as_json);
    const auto converted = SchemaTextToJson(text, "schema");
    ASSERT_TRUE(converted.has_value()) << converted.error().ToString();
    EXPECT_EQ(*converted, expected);
    const auto back = SchemaJsonToText(expected);
    ASSERT_TRUE(back.has_value()) << back.error().ToString();
    EXPECT_EQ(SchemaTextToJson(*back, "back").value_or(json::Value()), expected) << *back;
    const auto from_json = Schema::FromJson({expected});
    ASSERT_TRUE(from_json.has_value()) << from_json.error().ToString();
    EXPECT_EQ(from_json->ToText().value(), schema->ToText().value());
    const auto again = Schema::Parse({{"printed", schema->ToText().value()}});
    ASSERT_TRUE(again.has_value()) << again.error().ToString() << "\n" << schema->ToText().value();
    EXPECT_EQ(again->ToText().value(), schema->ToText().value());
    ++schemas_;
  }

  void CheckPolicies(const Schema& schema, const std::string& text, const json::Value& verdicts) {
    const auto policies = ParsePolicies(text, "policy");
    ASSERT_TRUE(policies.has_value()) << policies.error().ToString();
    const json::Object& per_policy = verdicts.Find("perPolicy")->AsObject();
    ASSERT_EQ(policies->size(), per_policy.size());
    for (const PolicyPtr& policy : *policies) {
      for (const auto& [name, mode] : {std::pair("strict", ValidationMode::kStrict), std::pair("permissive", ValidationMode::kPermissive)}) {
        const std::vector<Diagnostic> findings = Validate(schema, {policy}, {.mode = mode, .level = {}});
        const bool valid = findings.empty() || findings.front().severity != Diagnostic::Severity::kError;
        EXPECT_EQ(valid, per_policy.Find(policy->id)->Find(name)->AsBool()) << name << Describe(findings);
        ++verdicts_;
      }
    }
  }

  // A verdict on an entity has an error in it, or none.
  void CheckEntities(const Schema& schema, const json::Value& document, const json::Value& verdicts) {
    const json::Object& per_entity = verdicts.Find("perEntity")->AsObject();
    const bool all_valid = std::ranges::all_of(per_entity, [](const auto& entry) { return entry.value.AsObject().empty(); });
    const auto entities = Entities::FromJson(document, &schema);
    EXPECT_EQ(entities.has_value(), all_valid) << entities.error().ToString();
    for (const json::Value& member : document.AsArray()) {
      const EntityUid uid = UidFrom(*member.Find("uid"));
      const json::Value* verdict = per_entity.Find(uid.type + "::" + uid.id);
      ASSERT_NE(verdict, nullptr) << uid.ToString();
      if (IsActionType(uid.type)) continue;  // an action is held to the schema together with its groups, above
      const auto alone = Entities::FromJson(json::Array{member}, &schema);
      EXPECT_EQ(alone.has_value(), verdict->AsObject().empty()) << uid.ToString();
      if (alone) {
        EXPECT_TRUE(schema.ValidateEntity(*alone->Find(uid)).has_value()) << uid.ToString();
      }
      ++entities_;
    }
  }

  void CheckRequests(const Schema& schema, const json::Value& test, const json::Value& verdicts) {
    const auto& requests = test.Find("requests")->AsArray();
    const auto& expected = verdicts.AsArray();
    ASSERT_EQ(requests.size(), expected.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      Request request{UidFrom(*requests[i].Find("principal")), UidFrom(*requests[i].Find("action")), UidFrom(*requests[i].Find("resource"))};
      const ActionType* action = schema.FindAction(request.action);
      Status status;
      if (action != nullptr) {
        auto context = schema.ReadValue(*requests[i].Find("context"), *action->context);
        if (context)
          request.context = *context;
        else
          status = std::unexpected(context.error());
      }
      if (status) status = schema.ValidateRequest(request);
      for (const char* mode : {"strict", "permissive"}) {
        EXPECT_EQ(status.has_value(), expected[i].Find(mode)->AsBool()) << "request " << i << ": " << (status ? "valid" : status.error().ToString());
      }
      ++requests_;
    }
  }

  int schemas_ = 0, verdicts_ = 0, entities_ = 0, requests_ = 0;
};

TEST_P(ValidationConformanceTest, AgreesWithTheReferenceOnItsCorpus) {
  const Corpus corpus(GetParam());
  for (const auto& [name, content] : corpus.files()) {
    constexpr std::string_view kEnding = ".validation.json";
    if (!name.ends_with(kEnding)) continue;
    const std::string stem = name.substr(0, name.size() - kEnding.size());
    SCOPED_TRACE(stem);
    const std::string& text = *corpus.Find(stem + ".cedarschema");
    CheckSchema(text, *corpus.Find(stem + ".cedarschema.json"));
    if (HasFatalFailure()) continue;
    const Schema schema = Schema::Parse({{"schema", text}}).value();
    const json::Value verdicts = ReadJson(content);
    CheckPolicies(schema, *corpus.Find(stem + ".cedar"), *verdicts.Find("policyValidation"));
    CheckEntities(schema, ReadJson(*corpus.Find(stem + ".entities.json")), *verdicts.Find("entityValidation"));
    CheckRequests(schema, ReadJson(*corpus.Find(stem + ".json")), *verdicts.Find("requestValidation"));
  }
  EXPECT_GT(schemas_, 450);
  EXPECT_EQ(verdicts_, 2 * schemas_);
  EXPECT_EQ(requests_, 8 * schemas_);
  RecordProperty("schemas", schemas_);
  RecordProperty("entities", entities_);
}

// A test begins with a hexadecimal digit.
INSTANTIATE_TEST_SUITE_P(ByFirstDigit, ValidationConformanceTest, testing::Values("01", "23", "45", "67", "89", "ab", "cd", "ef"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace remit::cedar
