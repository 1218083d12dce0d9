// One command of the command line, described without the parser's own types: so that a command is a small file that compiles at once,
// and CLI11 stays in one place. A command file has one function, `void AddX(Command& root)`.
//
// Every command has `--json` and `--help` with an example. stdout is data, messages go to stderr.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/completion/completer.h"

namespace remit::cli {

// What holds for all commands.
struct Globals {
  bool json = false;
  std::string server;  // --server: http(s)://host:port or unix:/path
};
Globals& globals();

// Exit codes are documented in docs/reference/errors.md and never change.
enum Exit : int {
  kOk = 0,
  kInternal = 1,
  kUsage = 2,
  kDenied = 3,
  kNotFound = 4,
  kState = 5,
  kUnavailable = 6,
  kNotApproved = 7,
  kVerificationFailed = 8,
  kTaskEnded = 9,
};
int ExitOf(const Error& error);

class Command {
 public:
  // A subcommand. The reference stays valid as long as the root.
  Command& Sub(const std::string& name, const std::string& summary);
  Command& Example(const std::string& lines);

  // What is required, and a TASK that an option names, is not empty where it is given: exit 2.
  // What is bound must outlive the parse: keep it in a std::shared_ptr that Run's function holds, too.
  Command& Argument(const std::string& name, std::string& into, const std::string& help, bool required = true);
  Command& Arguments(const std::string& name, std::vector<std::string>& into, const std::string& help, bool required = false);
  Command& Option(const std::string& name, std::string& into, const std::string& help, const std::string& value = "TEXT");
  Command& Option(const std::string& name, std::vector<std::string>& into, const std::string& help, const std::string& value = "TEXT");
  Command& Flag(const std::string& name, bool& into, const std::string& help);
  // Everything behind `--` as it stands, e.g. the command of `remit run`; help shows it as `-- name`.
  Command& Rest(const std::string& name, std::vector<std::string>& into, const std::string& help);
  // For programs: it stands in no help and in no completion.
  Command& Hide();
  // Answers the exit code. Errors are printed by the caller.
  Command& Run(std::function<Result<int>()> run);

  struct Impl;
  explicit Command(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<Impl> impl_;
  std::vector<std::unique_ptr<Command>> subs_;
};

// The table of all commands, by which the command line is parsed.
CommandInfo DescribeCommands();

// The whole command line: parses, runs, prints errors, answers the exit code.
int Main(int argc, char** argv);

}  // namespace remit::cli
