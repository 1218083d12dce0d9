// Decisions, reasons and errors against those of the reference implementation: its generated corpus and its hand-written tests.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cedar/authorizer.h"
#include "cedar/entities.h"
#include "cedar/parser.h"
#include "cedar/schema.h"
#include "json/read.h"

namespace remit::cedar {
namespace {

namespace fs = std::filesystem;

fs::path DataFolder() { return fs::path(REMIT_SOURCE_DIR).parent_path() / "shared/data/cedar"; }

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

// A folder that goes when this does.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "cedar-conformance-XXXXXX").string();
    REMIT_CHECK(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

EntityUid ReadUid(const json::Value& value) { return {*value.FindString("type"), *value.FindString("id")}; }

std::vector<std::string> ReadStrings(const json::Value& array) {
  std::vector<std::string> out;
  for (const json::Value& member : array.AsArray()) out.push_back(member.AsString());
  std::ranges::sort(out);
  return out;
}

// By the action's declared type where it fits (some requests are ill-typed on purpose), else as it is written.
Result<Value> ReadContext(const json::Value& document, const Schema* schema, const EntityUid& action) {
  const ActionType* type = schema == nullptr ? nullptr : schema->FindAction(action);
  if (type != nullptr) {
    if (auto value = schema->ReadValue(document, *type->context)) return value;
  }
  return ValueFromJson(document);
}

// Runs one test file; paths inside are relative to `root`. Counts the requests that were answered as expected.
void RunTest(const fs::path& file, const fs::path& root, std::size_t& answered) {
  const auto test = json::Parse(ReadFile(file));
  ASSERT_TRUE(test.has_value()) << file << test.error().ToString();
  const auto schema = Schema::Parse({{"schema", ReadFile(root / *test->FindString("schema"))}});
  ASSERT_TRUE(schema.has_value()) << file << schema.error().ToString();
  auto policies = ParsePolicies(ReadFile(root / *test->FindString("policies")), file.filename().string());
  ASSERT_TRUE(policies.has_value()) << file << policies.error().ToString();
  const auto document = json::Parse(ReadFile(root / *test->FindString("entities")));
  ASSERT_TRUE(document.has_value()) << file << document.error().ToString();
  const auto entities = Entities::FromJson(*document, &*schema);
  ASSERT_TRUE(entities.has_value()) << file << entities.error().ToString();
  const auto set = PolicySet::Build(*policies);
  ASSERT_TRUE(set.has_value()) << file << set.error().ToString();
  for (const json::Value& expected : test->Find("requests")->AsArray()) {
    Request request{ReadUid(*expected.Find("principal")), ReadUid(*expected.Find("action")), ReadUid(*expected.Find("resource"))};
    auto context = ReadContext(*expected.Find("context"), &*schema, request.action);
    ASSERT_TRUE(context.has_value()) << file << context.error().ToString();
    request.context = std::move(*context);
    const Response response = set->IsAuthorized(request, *entities);
    std::vector<std::string> failed;
    std::string messages;
    for (const PolicyError& error : response.errors) failed.push_back(error.policy), messages += error.message + "\n";
    const bool agrees = response.allowed == (*expected.FindString("decision") == "allow") &&
                        response.determining == ReadStrings(*expected.Find("reason")) && failed == ReadStrings(*expected.Find("errors"));
    EXPECT_TRUE(agrees) << file << ": " << *expected.FindString("description") << "\n" << messages;
    if (agrees) ++answered;
  }
  for (const PolicyPtr& policy : *policies) {
    const auto again = ParsePolicies(ToString(*policy), "printed");
    ASSERT_TRUE(again.has_value()) << file << again.error().ToString() << "\n" << ToString(*policy);
    EXPECT_TRUE(again->size() == 1 && Equal(*again->front(), *policy)) << file << "\n" << ToString(*policy);
  }
}

TEST(ConformanceTest, AnswersTheGeneratedCorpusAsTheReferenceDoes) {
  const fs::path archive = DataFolder() / "corpus.tar.xz";
  if (!fs::exists(archive)) GTEST_SKIP() << "no test data at " << archive;
  const TemporaryFolder folder;
  const std::string unpack =
      "tar -xJf '" + archive.string() + "' -C '" + folder.path().string() + "' --exclude='*.cedarschema.json' --exclude='*.validation.json'";
  ASSERT_EQ(std::system(unpack.c_str()), 0);
  std::size_t tests = 0, answered = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "corpus-tests")) {
    // <hash>.json; the others are <hash>.entities.json and the like.
    if (entry.path().extension() != ".json" || entry.path().stem().has_extension()) continue;
    RunTest(entry.path(), folder.path(), answered);
    ++tests;
  }
  EXPECT_EQ(tests, 3984u);
  EXPECT_GE(answered, 30'000u);
}

TEST(ConformanceTest, AnswersTheHandWrittenTestsAsTheReferenceDoes) {
  const fs::path root = DataFolder() / "handwritten";
  if (!fs::exists(root)) GTEST_SKIP() << "no test data at " << root;
  std::size_t answered = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root / "tests")) {
    if (entry.path().extension() == ".json") RunTest(entry.path(), root, answered);
  }
  EXPECT_GT(answered, 20u);
}

}  // namespace
}  // namespace remit::cedar
