// The words behind a command: flags, options with a value, arguments; and the help that describes them.
//
//   Options options("authorize", "decides one request");
//   options.Value('p', "policies", path, "FILE", "policies and templates");
//   REMIT_ASSIGN(bool run, options.Parse(words));   // false: --help was asked for, and printed
//
// Not thread-safe. What is bound must outlive the parse.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace remit::cedar::command {

class Options {
 public:
  Options(std::string command, std::string summary) : command_(std::move(command)), summary_(std::move(summary)) {}

  // `short_name` '\0': none. An option may be given as `-p FILE`, `--policies FILE` or `--policies=FILE`.
  Options& Value(char short_name, std::string long_name, std::optional<std::string>& into, std::string value, std::string help);
  Options& Number(char short_name, std::string long_name, std::optional<std::int64_t>& into, std::string value, std::string help);
  Options& Flag(char short_name, std::string long_name, bool& into, std::string help);
  // Only one of `choices` is taken.
  Options& Choice(char short_name, std::string long_name, std::optional<std::string>& into, std::vector<std::string> choices, std::string help);
  Options& Argument(std::string name, std::optional<std::string>& into, std::string help);  // at most one
  Options& Arguments(std::string name, std::vector<std::string>& into, std::string help);   // any number
  Options& Example(std::string lines);

  // An option with a value may be given once. Everything behind `--` is an argument, `-` alone too. False: --help or -h was among the words; the help
  // is on stdout. Errors: `usage`.
  Result<bool> Parse(std::span<const std::string> words);

  std::string Help() const;

 private:
  struct Option {
    char short_name;
    std::string long_name, value, help;
    std::vector<std::string> choices;
    std::optional<std::string>* text = nullptr;
    std::optional<std::int64_t>* number = nullptr;
    bool* flag = nullptr;
  };

  Result<const Option*> Find(std::string_view word) const;
  Status Take(const Option& option, const std::string& value) const;
  Status TakeArgument(const std::string& word);
  Error Wrong(std::string message) const;

  std::string command_, summary_, example_;
  std::vector<Option> options_;
  std::string argument_name_, argument_help_;
  std::optional<std::string>* argument_ = nullptr;
  std::vector<std::string>* arguments_ = nullptr;
};

}  // namespace remit::cedar::command
