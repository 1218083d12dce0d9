// The whole conformance corpus and the hand-written tests as `cedar run-tests` runs them: decisions, reasons, errors, verdicts of both
// modes, entities, requests, schemas in JSON.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "cedar/command/command.h"

namespace remit::cedar::command {
namespace {

namespace fs = std::filesystem;

fs::path Data() { return fs::path(REMIT_SOURCE_DIR).parent_path() / "shared/data/cedar"; }

// What the last line says, and how it exits.
std::pair<int, std::string> RunAll(const std::vector<std::string>& words) {
  testing::internal::CaptureStdout();
  const int exit = Run(words);
  return {exit, testing::internal::GetCapturedStdout()};
}

TEST(CorpusTest, EverythingMatches) {
  const fs::path archive = Data() / "corpus.tar.xz";
  if (!fs::exists(archive)) GTEST_SKIP() << "no test data at " << archive;
  std::string folder = (fs::temp_directory_path() / "cedar-corpus-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  ASSERT_EQ(std::system(("tar -xJf '" + archive.string() + "' -C '" + folder + "'").c_str()), 0);
  const auto [exit, out] = RunAll({"run-tests", folder});
  fs::remove_all(folder);
  EXPECT_EQ(exit, kOk);
  EXPECT_EQ(out, "3984 of 3984 tests match, 31872 requests\n");
}

TEST(CorpusTest, TheHandWrittenTestsMatch) {
  const fs::path root = Data() / "handwritten";
  if (!fs::exists(root)) GTEST_SKIP() << "no test data at " << root;
  const auto [exit, out] = RunAll({"run-tests", "--root", root.string(), (root / "tests").string()});
  EXPECT_EQ(exit, kOk);
  EXPECT_EQ(out, "13 of 13 tests match, 45 requests\n");
}

}  // namespace
}  // namespace remit::cedar::command
