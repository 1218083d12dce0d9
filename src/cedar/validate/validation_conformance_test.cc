// The strict validator against the verdicts of the reference implementation, on its own generated tests: policies, entities, requests.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cedar/authorizer.h"
#include "cedar/entities.h"
#include "cedar/parser.h"
#include "cedar/validator.h"
#include "json/read.h"

namespace remit::cedar {
namespace {

namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

json::Value ReadJson(const fs::path& path) {
  auto value = json::Parse(ReadFile(path));
  EXPECT_TRUE(value.has_value()) << path << ": " << value.error().ToString();
  return value.value_or(json::Value());
}

// The corpus, unpacked for as long as this lives.
class Corpus {
 public:
  Corpus() {
    std::string pattern = (fs::temp_directory_path() / "cedar-corpus-XXXXXX").string();
    REMIT_CHECK(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
    const std::string command = "tar -xJf '" + Archive().string() + "' -C '" + root_.string() + "'";
    REMIT_CHECK(std::system(command.c_str()) == 0);
  }
  ~Corpus() { fs::remove_all(root_); }

  static fs::path Archive() { return fs::path(REMIT_SOURCE_DIR).parent_path() / "shared/data/cedar/corpus.tar.xz"; }
  static bool IsThere() { return fs::exists(Archive()); }

  // Paths without an ending, of all tests that have verdicts of validation.
  std::vector<fs::path> Stems() const {
    constexpr std::string_view kEnding = ".validation.json";
    std::vector<fs::path> stems;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      const std::string name = entry.path().string();
      if (name.ends_with(kEnding)) stems.emplace_back(name.substr(0, name.size() - kEnding.size()));
    }
    return stems;
  }

 private:
  fs::path root_;
};

std::string Describe(const std::vector<Diagnostic>& findings) {
  std::string text;
  for (const Diagnostic& finding : findings) text += "\n  " + finding.reason + ": " + finding.message;
  return text;
}

bool HasErrors(const std::vector<Diagnostic>& findings) { return !findings.empty() && findings.front().severity == Diagnostic::Severity::kError; }

EntityUid UidFrom(const json::Value& value) { return {*value.FindString("type"), *value.FindString("id")}; }

// How many tests agreed, for the failure message.
struct Tally {
  int policies = 0, entities = 0, requests = 0;
};

void CheckRequests(const Schema& schema, const json::Value& test, const json::Value& verdicts, const fs::path& stem, Tally& tally) {
  const auto& requests = test.Find("requests")->AsArray();
  const auto& expected = verdicts.Find("requestValidation")->AsArray();
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
    EXPECT_EQ(status.has_value(), expected[i].Find("strict")->AsBool())
        << stem << " request " << i << ": " << (status ? "valid" : status.error().ToString());
    ++tally.requests;
  }
}

void CheckOne(const fs::path& stem, Tally& tally) {
  const json::Value verdicts = ReadJson(stem.string() + ".validation.json");
  const auto schema = Schema::Parse({{"schema", ReadFile(stem.string() + ".cedarschema")}});
  ASSERT_TRUE(schema.has_value()) << stem << ": " << schema.error().ToString();
  const auto again = Schema::Parse({{"printed", schema->ToString()}});
  ASSERT_TRUE(again.has_value()) << stem << ": " << again.error().ToString() << "\n" << schema->ToString();
  EXPECT_EQ(again->ToString(), schema->ToString()) << stem;

  const auto policies = ParsePolicies(ReadFile(stem.string() + ".cedar"), "policy");
  ASSERT_TRUE(policies.has_value()) << stem << ": " << policies.error().ToString();
  const std::vector<Diagnostic> findings = Validate(*schema, *policies);
  EXPECT_EQ(!HasErrors(findings), verdicts.Find("policyValidation")->Find("strict")->AsBool()) << stem << Describe(findings);
  ++tally.policies;

  const auto entities = Entities::FromJson(ReadJson(stem.string() + ".entities.json"), &*schema);
  EXPECT_TRUE(entities.has_value()) << stem << ": " << entities.error().ToString();  // every entity of the corpus is valid
  if (entities) tally.entities += static_cast<int>(entities->size());
  CheckRequests(*schema, ReadJson(stem.string() + ".json"), verdicts, stem, tally);
}

TEST(ValidationConformanceTest, AgreesWithTheReferenceOnItsCorpus) {
  if (!Corpus::IsThere()) GTEST_SKIP() << "no test data at " << Corpus::Archive();
  const Corpus corpus;
  Tally tally;
  for (const fs::path& stem : corpus.Stems()) CheckOne(stem, tally);
  EXPECT_EQ(tally.policies, 3948);
  EXPECT_GT(tally.requests, 30'000);
}

}  // namespace
}  // namespace remit::cedar
