// Every command of `cedar`, each in a file of its own name, and what all of them share.
//
// stdout is data, stderr is messages: "error: place: message" with "hint: …" on a line of its own, or with --json one
// {"error": {…}} a line. Exit codes are those of the reference command.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "cedar/source.h"
#include "json/value.h"

namespace remit::cedar::command {

enum Exit : int {
  kOk = 0,                 // allowed, valid, everything as expected
  kFailure = 1,            // input that cannot be read, wrong usage, a test that does not match
  kDeny = 2,               // authorize: the decision is deny; analyze: there is a counter-example
  kValidationFailure = 3,  // validate: the policies do not pass
  kCannotTell = 4,         // analyze: neither a proof nor a counter-example was found
};

using Words = std::span<const std::string>;

Result<int> Authorize(Words words);
Result<int> Evaluate(Words words);
Result<int> ValidatePolicies(Words words);
Result<int> CheckParse(Words words);
Result<int> LinkTemplate(Words words);
Result<int> Format(Words words);
Result<int> TranslatePolicy(Words words);
Result<int> TranslateSchema(Words words);
Result<int> Query(Words words);
Result<int> Analyze(Words words);
Result<int> RunTests(Words words);
Result<int> Bench(Words words);
Result<int> ServeCases(Words words);

// How errors are shown from now on: as JSON, or for people.
void ShowErrorsAsJson(bool json);

void PrintError(const Error& error);
void PrintFinding(const Diagnostic& finding);  // "error: …" or "warning: …"
void PrintLine(std::string_view text);         // to stdout
void PrintJson(const json::Value& value);      // one line on stdout

json::Value FindingToJson(const Diagnostic& finding);

// `words` without the program's name. Answers the exit code.
int Run(Words words);

}  // namespace remit::cedar::command
