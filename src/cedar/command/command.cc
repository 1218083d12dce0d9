#include "cedar/command/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "base/text.h"
#include "json/write.h"

namespace remit::cedar::command {
namespace {

struct Entry {
  std::string_view name;
  Result<int> (*run)(Words);
  std::string_view summary;  // "": not in the help
};

constexpr auto kCommands = std::to_array<Entry>({
    {"authorize", Authorize, "decides one request"},
    {"evaluate", Evaluate, "evaluates one expression"},
    {"validate", ValidatePolicies, "checks policies against a schema"},
    {"check-parse", CheckParse, "says whether policies, a schema, entities or an expression can be read"},
    {"format", Format, "writes policies in the usual layout"},
    {"link", LinkTemplate, "fills the slots of a template"},
    {"translate-policy", TranslatePolicy, "Cedar text to JSON and back"},
    {"translate-schema", TranslateSchema, "Cedar schema text to JSON and back"},
    {"query", Query, "which actions, resources or principals are allowed, among known entities"},
    {"analyze", Analyze, "does a set of policies allow only what another does, whatever is asked"},
    {"run-tests", RunTests, "runs test files and compares decisions, reasons, errors and verdicts"},
    {"bench", Bench, "measures decisions"},
    {"serve-cases", ServeCases, ""},
});

bool errors_as_json = false;

std::string Help() {
  std::string text = "cedar: decides, checks and rewrites policies of the Cedar language\n\nusage: cedar COMMAND [options]\n\n";
  for (const Entry& entry : kCommands) {
    if (!entry.summary.empty()) text += fmt::format("  {:<17} {}\n", entry.name, entry.summary);
  }
  text += "\nEach command says more with --help. --version prints the version of the language.\n";
  text += "Exit status: 0 allowed, valid, proven or done; 1 failed; 2 denied or refuted; 3 not valid; 4 cannot tell.\n\nexample:\n";
  text +=
      "  cedar authorize --policies policies.cedar --entities entities.json \\\n"
      "    --principal 'User::\"alice\"' --action 'Action::\"view\"' --resource 'Photo::\"pic\"'\n";
  return text;
}

// Lines stay lines; everything else that hides is shown.
std::string Visible(std::string_view text) {
  std::vector<std::string> lines = Split(text, '\n');
  for (std::string& line : lines) line = EscapeControl(line);
  return Join(lines, "\n");
}

json::Object ErrorToJson(const Error& error) {
  json::Object object{{"code", CodeName(error.code)}, {"reason", error.reason}, {"message", error.message}};
  if (!error.place.empty()) object.Set("place", error.place);
  if (!error.hint.empty()) object.Set("hint", error.hint);
  return object;
}

void PrintMessage(std::string_view kind, const Error& error) {
  std::string line;
  if (errors_as_json) {
    json::Object object;
    object.Set(kind, ErrorToJson(error));
    line = json::Write(object);
  } else {
    line = fmt::format("{}: {}", kind, Visible(error.ToString()));
  }
  std::fprintf(stderr, "%s\n", line.c_str());
}

// What could not be written was not answered: a full disk must not look like an allow.
int Finished(int exit) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit;
  PrintError(Error(Code::kUnavailable, "cannot-write", "cannot write to standard output").Hint("is the disk full?"));
  return kFailure;
}

int Dispatch(Words words) {
  // Until a command has read its options: whether what is wrong with them is shown as JSON.
  ShowErrorsAsJson(std::ranges::find(words, "--json") != words.end());
  if (words.size() == 2 && words[0] == "help") return Dispatch(std::vector<std::string>{words[1], "--help"});
  if (words.empty() || words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    std::fputs(Help().c_str(), words.empty() ? stderr : stdout);
    return words.empty() ? kFailure : kOk;
  }
  if (words[0] == "--version" || words[0] == "-V" || words[0] == "language-version") return PrintLine("Cedar language version: 4.5"), kOk;
  std::vector<std::string> known;
  for (const Entry& entry : kCommands) {
    if (entry.name == words[0]) {
      Result<int> outcome = entry.run(words.subspan(1));
      if (!outcome) PrintError(outcome.error());
      return outcome.value_or(kFailure);
    }
    if (!entry.summary.empty()) known.emplace_back(entry.name);
  }
  const std::string near = Nearest(words[0], known);
  PrintError(Error(Code::kInvalidArgument, "usage", fmt::format("`cedar` has no command `{}`", EscapeControl(words[0])))
                 .Hint(near.empty() ? "cedar --help" : fmt::format("did you mean `cedar {}`?", near)));
  return kFailure;
}

}  // namespace

void ShowErrorsAsJson(bool json) { errors_as_json = json; }

void PrintError(const Error& error) { PrintMessage("error", error); }

void PrintFinding(const Diagnostic& finding) {
  PrintMessage(finding.severity == Diagnostic::Severity::kError ? "error" : "warning", finding.ToError());
}

void PrintLine(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
}

void PrintJson(const json::Value& value) { PrintLine(json::Write(value)); }

json::Value FindingToJson(const Diagnostic& finding) {
  json::Object object{
      {"severity", finding.severity == Diagnostic::Severity::kError ? "error" : "warning"}, {"reason", finding.reason}, {"message", finding.message}};
  if (!finding.policy.empty()) object.Set("policy", finding.policy);
  if (const std::string place = finding.span.ToString(); !place.empty()) object.Set("place", place);
  if (!finding.hint.empty()) object.Set("hint", finding.hint);
  return object;
}

int Run(Words words) { return Finished(Dispatch(words)); }

}  // namespace remit::cedar::command
