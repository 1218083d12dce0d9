#include "cedar/command/test_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "cedar/authorizer.h"
#include "cedar/command/inputs.h"
#include "cedar/command/verdicts.h"

namespace remit::cedar::command {
namespace {

namespace fs = std::filesystem;

Error Malformed(std::string_view what) { return Error(Code::kInvalidArgument, "bad-test", fmt::format("the test has no usable `{}`", what)); }

Result<std::string> PathMember(const json::Value& test, std::string_view name) {
  const std::string* path = test.FindString(name);
  if (path == nullptr) return Fail(Malformed(name));
  return *path;
}

// The member as a set of strings; empty where there is none.
std::set<std::string> StringsOf(const json::Value& object, std::string_view name) {
  std::set<std::string> strings;
  if (const json::Value* array = object.Find(name); array != nullptr && array->IsArray()) {
    for (const json::Value& member : array->AsArray()) {
      if (member.IsString()) strings.insert(member.AsString());
    }
  }
  return strings;
}

std::optional<bool> BoolOf(const json::Value* object, std::string_view name) {
  const json::Value* member = object == nullptr ? nullptr : object->Find(name);
  return member != nullptr && member->IsBool() ? std::optional(member->AsBool()) : std::nullopt;
}

std::string_view Word(bool yes) { return yes ? "valid" : "not valid"; }

// What one test reads, once.
struct TestInput {
  json::Value test;
  std::string schema_text, schema_name;
  bool schema_is_json = false;
  Schema schema;
  std::vector<PolicyPtr> policies;
  json::Value entity_document;
};

Result<TestInput> ReadInput(const fs::path& file, const fs::path& root) {
  TestInput input;
  REMIT_ASSIGN(input.test, ReadJson(file.string()));
  REMIT_ASSIGN(const std::string schema, PathMember(input.test, "schema"));
  REMIT_ASSIGN(const std::string policies, PathMember(input.test, "policies"));
  REMIT_ASSIGN(const std::string entities, PathMember(input.test, "entities"));
  input.schema_name = (root / schema).string();
  input.schema_is_json = EndsInJson(schema);
  REMIT_ASSIGN(input.schema_text, ReadText(input.schema_name));
  REMIT_ASSIGN(input.schema, ReadSchema(input.schema_text, input.schema_name, input.schema_is_json));
  const std::string policy_name = (root / policies).string();
  REMIT_ASSIGN(const std::string policy_text, ReadText(policy_name));
  REMIT_ASSIGN(input.policies, ReadPolicyText(policy_text, policy_name));
  REMIT_ASSIGN(input.entity_document, ReadJson((root / entities).string()));
  return input;
}

class TestRun {
 public:
  TestRun(TestInput input, const fs::path& file) : input_(std::move(input)) { outcome_.report.Set("name", file.stem().string()); }

  Status Policies(const json::Value* expected);
  Status Entities(const json::Value* expected);
  Status Requests(const json::Value* expected);
  Status SchemaJson(const json::Value& expected);
  TestOutcome Finish() &&;

 private:
  void Differs(std::string what) { outcome_.mismatches.push_back(std::move(what)); }
  void Compare(std::string_view what, std::optional<bool> expected, bool got) {
    if (expected && *expected != got) Differs(fmt::format("{} is {}, expected {}", what, Word(got), Word(*expected)));
  }
  Result<json::Object> OneRequest(const json::Value& expected, std::string_view name, const json::Value* verdicts, const PolicySet& set);

  TestInput input_;
  cedar::Entities entities_;
  TestOutcome outcome_;
};

Status TestRun::Policies(const json::Value* expected) {
  REMIT_ASSIGN(const Verdicts verdicts, ValidateBothWays(input_.schema, input_.policies));
  Compare("the policies, strictly,", BoolOf(&input_.test, "shouldValidate"), verdicts.strict);
  Compare("the policies, strictly,", BoolOf(expected, "strict"), verdicts.strict);
  Compare("the policies, permissively,", BoolOf(expected, "permissive"), verdicts.permissive);
  json::Object each;
  const json::Value* expected_each = expected == nullptr ? nullptr : expected->Find("perPolicy");
  for (const auto& [id, verdict] : verdicts.each) {
    each.Append(id, json::Object{{"strict", verdict.strict}, {"permissive", verdict.permissive}});
    const json::Value* one = expected_each == nullptr ? nullptr : expected_each->Find(id);
    if (expected_each != nullptr && one == nullptr) Differs(fmt::format("no verdict is expected for policy `{}`", id));
    Compare(fmt::format("policy `{}`, strictly,", id), BoolOf(one, "strict"), verdict.strict);
    Compare(fmt::format("policy `{}`, permissively,", id), BoolOf(one, "permissive"), verdict.permissive);
  }
  json::Object report{{"strict", verdicts.strict}, {"permissive", verdicts.permissive}, {"perPolicy", std::move(each)}};
  if (!verdicts.messages.empty()) report.Set("messages", json::StringArray(verdicts.messages));
  outcome_.report.Set("policyValidation", std::move(report));
  return {};
}

Status TestRun::Entities(const json::Value* expected) {
  auto all = cedar::Entities::FromJson(input_.entity_document, &input_.schema);
  const bool valid = all.has_value();
  json::Object each;
  if (expected != nullptr && expected->Find("perEntity") != nullptr && input_.entity_document.IsArray()) {
    for (const json::Value& document : input_.entity_document.AsArray()) {
      const json::Value* uid_document = document.Find("uid");
      if (uid_document == nullptr) continue;
      REMIT_ASSIGN(const EntityUid uid, EntityUidFromJson(*uid_document));
      const bool fits = valid || cedar::Entities::FromJson(json::Array{document}, &input_.schema).has_value();
      const std::string name = uid.type + "::" + uid.id;
      each.Set(name, fits);
      const json::Value* verdict = expected->Find("perEntity")->Find(name);
      if (verdict == nullptr) {
        Differs(fmt::format("no verdict is expected for entity `{}`", name));
      } else {
        Compare(fmt::format("entity `{}`", name), verdict->IsObject() && verdict->AsObject().empty(), fits);
      }
    }
  }
  json::Object report{{"valid", valid}, {"perEntity", std::move(each)}};
  if (!valid) {
    report.Set("message", all.error().ToString());
    // Decisions are asked all the same, as over entities that nobody checked.
    all = cedar::Entities::FromJson(input_.entity_document, nullptr);
    if (!all) return Fail(std::move(all.error()).Within("the entities"));
    if (expected == nullptr) Differs("the entities do not conform to the schema: " + *json::Value(report).FindString("message"));
  }
  outcome_.report.Set("entityValidation", std::move(report));
  entities_ = *std::move(all);
  return {};
}

Result<json::Object> TestRun::OneRequest(const json::Value& expected, std::string_view name, const json::Value* verdicts, const PolicySet& set) {
  REMIT_ASSIGN(Request request, RequestWithoutContext(expected));
  REMIT_ASSIGN(const json::Value* context, ContextMember(expected));
  auto typed = ReadContext(*context, &input_.schema, request.action);
  Status conforms;
  if (typed) {
    request.context = *std::move(typed);
    conforms = input_.schema.ValidateRequest(request);
  } else {
    conforms = std::unexpected(std::move(typed.error()));
    REMIT_ASSIGN(request.context, ReadContext(*context, nullptr, request.action));
  }
  const std::size_t before = outcome_.mismatches.size();
  const bool valid = conforms.has_value();
  if (BoolOf(&expected, "validateRequest").value_or(true) && verdicts == nullptr) Compare(name, true, valid);
  Compare(fmt::format("{}, strictly,", name), BoolOf(verdicts, "strict"), valid);
  Compare(fmt::format("{}, permissively,", name), BoolOf(verdicts, "permissive"), valid);

  const Response response = set.IsAuthorized(request, entities_);
  const std::string decision = response.allowed ? "allow" : "deny";
  std::set<std::string> failed;
  json::Object messages;
  for (const PolicyError& error : response.errors) {
    failed.insert(error.policy);
    messages.Set(error.policy, error.message);
  }
  const std::set<std::string> reason(response.determining.begin(), response.determining.end());
  if (const std::string* wanted = expected.FindString("decision"); wanted == nullptr) {
    return Fail(Malformed("decision"));
  } else if (*wanted != decision) {
    Differs(fmt::format("{}: the decision is {}, expected {}", name, decision, *wanted));
  }
  const auto compare_ids = [&](std::string_view what, const std::set<std::string>& got) {
    const std::set<std::string> wanted = StringsOf(expected, what);
    if (wanted != got) Differs(fmt::format("{}: the {} are [{}], expected [{}]", name, what, fmt::join(got, ", "), fmt::join(wanted, ", ")));
  };
  compare_ids("reason", reason);
  compare_ids("errors", failed);

  json::Object report{{"description", expected.FindString("description") == nullptr ? "" : *expected.FindString("description")},
                      {"strict", valid},
                      {"permissive", valid},
                      {"decision", decision},
                      {"reason", json::StringArray(response.determining)},
                      {"errors", json::StringArray({failed.begin(), failed.end()})}};
  if (!messages.empty()) report.Set("messages", std::move(messages));
  if (!valid) report.Set("validationMessage", conforms.error().ToString());
  report.Set("match", outcome_.mismatches.size() == before);
  return report;
}

Status TestRun::Requests(const json::Value* expected) {
  std::vector<PolicyPtr> linked;
  std::ranges::copy_if(input_.policies, std::back_inserter(linked), [](const PolicyPtr& policy) { return !policy->IsTemplate(); });
  REMIT_ASSIGN(const PolicySet set, PolicySet::Build(std::move(linked)));
  const json::Value* requests = input_.test.Find("requests");
  if (requests == nullptr || !requests->IsArray()) return Fail(Malformed("requests"));
  const bool with_verdicts = expected != nullptr && expected->IsArray();
  if (with_verdicts && expected->AsArray().size() != requests->AsArray().size()) Differs("there are not as many verdicts as requests");
  json::Array reports;
  for (std::size_t i = 0; i < requests->AsArray().size(); ++i) {
    const json::Value* verdicts = with_verdicts && i < expected->AsArray().size() ? &expected->AsArray()[i] : nullptr;
    REMIT_ASSIGN(json::Object report, OneRequest(requests->AsArray()[i], fmt::format("request {}", i), verdicts, set));
    reports.push_back(std::move(report));
  }
  outcome_.requests = reports.size();
  outcome_.report.Set("requests", std::move(reports));
  return {};
}

Status TestRun::SchemaJson(const json::Value& expected) {
  REMIT_ASSIGN(const bool equal, SchemaEqualsJson(input_.schema_text, input_.schema_name, input_.schema_is_json, expected));
  outcome_.report.Set("schemaJson", equal);
  if (!equal) Differs("the schema in the JSON form is not as expected");
  return {};
}

TestOutcome TestRun::Finish() && {
  outcome_.report.Set("match", outcome_.mismatches.empty());
  if (!outcome_.mismatches.empty()) outcome_.report.Set("mismatches", json::StringArray(outcome_.mismatches));
  return std::move(outcome_);
}

}  // namespace

Result<TestOutcome> RunTestFile(const fs::path& file, const fs::path& root) {
  REMIT_ASSIGN(TestInput input, ReadInput(file, root));
  fs::path stem = file;
  stem.replace_extension();
  const std::string verdict_file = stem.string() + ".validation.json", schema_file = stem.string() + ".cedarschema.json";
  std::optional<json::Value> verdicts;
  REMIT_ASSIGN(const bool has_verdicts, Exists(verdict_file));
  REMIT_ASSIGN(const bool has_schema, Exists(schema_file));
  if (has_verdicts) {
    REMIT_ASSIGN(verdicts, ReadJson(verdict_file));
  }
  const auto section = [&](std::string_view name) { return verdicts ? verdicts->Find(name) : nullptr; };
  TestRun run(std::move(input), file);
  REMIT_TRY(run.Policies(section("policyValidation")));
  REMIT_TRY(run.Entities(section("entityValidation")));
  REMIT_TRY(run.Requests(section("requestValidation")));
  if (has_schema) {
    REMIT_ASSIGN(const json::Value schema, ReadJson(schema_file));
    REMIT_TRY(run.SchemaJson(schema));
  }
  return std::move(run).Finish();
}

}  // namespace remit::cedar::command
