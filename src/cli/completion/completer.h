// What could stand at the end of a half-typed command line. Pure: it reads the table of commands; what only a server knows is named, not asked.
#pragma once

#include <string>
#include <vector>

namespace remit::cli {

// The table of commands, as the command line itself is parsed by (command.h, DescribeCommands).
struct OptionInfo {
  std::vector<std::string> names;  // "--json"
  std::string value;               // what its value is called in the help: "FILE"; "" for a flag
  std::string help;
  bool many = false;  // may be given more than once
};
struct ArgumentInfo {
  std::string name;
  bool many = false;
};
struct CommandInfo {
  std::string name, summary;
  bool hidden = false;  // for programs: not shown, not completed
  bool rest = false;    // takes a command of others behind `--`
  std::vector<OptionInfo> options{};
  std::vector<ArgumentInfo> arguments{};
  std::vector<CommandInfo> commands{};
};

struct Candidate {
  std::string value, help;
  bool operator==(const Candidate&) const = default;
};

// Where further candidates come from.
enum class Source {
  kNone,
  kFiles,      // the shell's own
  kCommand,    // a command of others begins at word `from`
  kTask,       // tasks that live
  kEndedTask,  // and those that have ended
  kApproval,
  kType,       // task types
  kParameter,  // of task type `type`
  kTarget,
  kActor,
};

struct Completion {
  std::vector<Candidate> candidates;  // those that begin with what was typed
  Source source = Source::kNone;
  std::string typed;             // what the server's candidates must begin with
  std::string prefix;            // and what stands before each of them in the same word: "--type="
  std::string type;              // kParameter: the task type
  std::vector<std::string> set;  // kParameter: names that are given already
  std::size_t from = 0;          // kCommand
};

// `words` are those behind the program's name, the last one being typed now (perhaps "").
Completion Complete(const CommandInfo& root, const std::vector<std::string>& words);

}  // namespace remit::cli
