// cedar run-tests: files of the conformance corpus, and how what comes out differs from what they expect.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "cedar/command/command.h"
#include "cedar/command/files.h"
#include "cedar/command/options.h"
#include "cedar/command/test_file.h"

namespace remit::cedar::command {
namespace {

namespace fs = std::filesystem;

// The test files that `words` name: files as they are, folders for the tests directly in them or below. NAME.entities.json and its like
// belong to a test and are none. Errors: `cannot-read`.
Result<std::vector<fs::path>> TestFiles(const std::vector<std::string>& words) {
  std::vector<fs::path> files;
  for (const std::string& word : words) {
    REMIT_ASSIGN(const bool folder, IsFolder(word));
    if (!folder) {
      files.emplace_back(word);
      continue;
    }
    std::vector<fs::path> found;
    std::error_code failed;
    for (fs::recursive_directory_iterator it(word, failed), end; !failed && it != end; it.increment(failed)) {
      if (it->path().extension() == ".json" && !it->path().stem().has_extension()) found.push_back(it->path());
    }
    if (failed) {
      return Fail(Code::kNotFound, "cannot-read", fmt::format("cannot read all of `{}`: {}", EscapeControl(word), failed.message()),
                  "name the tests themselves");
    }
    if (found.empty()) {
      return Fail(Code::kNotFound, "cannot-read", fmt::format("there is no test in `{}`", EscapeControl(word)), "a test is a file NAME.json");
    }
    std::ranges::sort(found);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

fs::path RootOf(const fs::path& file, const std::optional<std::string>& root) {
  return root ? fs::path(*root) : fs::absolute(file).lexically_normal().parent_path().parent_path();
}

void Report(const fs::path& file, const Result<TestOutcome>& outcome, bool json) {
  const bool match = outcome && outcome->mismatches.empty();
  if (json) {
    json::Object line{{"name", file.stem().string()}, {"error", outcome ? "" : outcome.error().ToString()}, {"match", false}};
    return PrintJson(outcome ? outcome->report : line);
  }
  if (match) return;
  PrintLine(fmt::format("{}: FAILED", EscapeControl(file.string())));
  if (!outcome) return PrintError(outcome.error());
  for (const std::string& mismatch : outcome->mismatches) PrintLine("  " + mismatch);
}

}  // namespace

Result<int> RunTests(Words words) {
  std::vector<std::string> names;
  std::optional<std::string> root;
  bool json = false;
  Options options("run-tests", "runs test files and compares decisions, reasons, errors and verdicts; exit status 0 if everything matches");
  options.Arguments("FILE…", names, "tests in the corpus format; a folder stands for all tests in it")
      .Value('\0', "root", root, "FOLDER", "what paths inside the files are relative to; without it: the file's parent's parent")
      .Flag('\0', "json", json, "one line a test: name, verdicts, decisions, reasons, errors, match")
      .Example("cedar run-tests --json corpus-tests/*.json");
  REMIT_ASSIGN(const bool run, options.Parse(words));
  if (!run) return kOk;
  ShowErrorsAsJson(json);
  if (names.empty()) return Fail(Code::kInvalidArgument, "usage", "`cedar run-tests` needs a test file", "cedar run-tests --help");

  std::size_t matched = 0, requests = 0;
  REMIT_ASSIGN(const std::vector<fs::path> files, TestFiles(names));
  for (const fs::path& file : files) {
    const Result<TestOutcome> outcome = RunTestFile(file, RootOf(file, root));
    Report(file, outcome, json);
    if (!outcome) continue;
    requests += outcome->requests;
    matched += outcome->mismatches.empty() ? 1 : 0;
  }
  if (!json) PrintLine(fmt::format("{} of {} tests match, {} requests", matched, files.size(), requests));
  return matched == files.size() ? kOk : kFailure;
}

}  // namespace remit::cedar::command
