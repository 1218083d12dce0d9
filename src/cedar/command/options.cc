#include "cedar/command/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/text.h"

namespace remit::cedar::command {

Options& Options::Value(char short_name, std::string long_name, std::optional<std::string>& into, std::string value, std::string help) {
  options_.push_back({short_name, std::move(long_name), std::move(value), std::move(help), {}, &into});
  return *this;
}

Options& Options::Number(char short_name, std::string long_name, std::optional<std::int64_t>& into, std::string value, std::string help) {
  options_.push_back({short_name, std::move(long_name), std::move(value), std::move(help), {}, nullptr, &into});
  return *this;
}

Options& Options::Flag(char short_name, std::string long_name, bool& into, std::string help) {
  options_.push_back({short_name, std::move(long_name), "", std::move(help), {}, nullptr, nullptr, &into});
  return *this;
}

Options& Options::Choice(char short_name, std::string long_name, std::optional<std::string>& into, std::vector<std::string> choices,
                         std::string help) {
  const std::string value = Join(choices, "|");
  options_.push_back({short_name, std::move(long_name), value, std::move(help), std::move(choices), &into});
  return *this;
}

Options& Options::Argument(std::string name, std::optional<std::string>& into, std::string help) {
  argument_name_ = std::move(name);
  argument_help_ = std::move(help);
  argument_ = &into;
  return *this;
}

Options& Options::Arguments(std::string name, std::vector<std::string>& into, std::string help) {
  argument_name_ = std::move(name);
  argument_help_ = std::move(help);
  arguments_ = &into;
  return *this;
}

Options& Options::Example(std::string lines) {
  example_ = std::move(lines);
  return *this;
}

namespace {

// `--policy` for `--policies`, which is far from it by its end alone; "" if none is.
std::string AlikeAtTheBeginning(std::string_view text, const std::vector<std::string>& candidates) {
  constexpr std::size_t kEnough = 4;
  for (const std::string& candidate : candidates) {
    if (text.size() >= kEnough && candidate.starts_with(text.substr(0, std::max(kEnough, text.size() - 2)))) return candidate;
  }
  return "";
}

}  // namespace

Error Options::Wrong(std::string message) const {
  return Error(Code::kInvalidArgument, "usage", std::move(message)).Hint(fmt::format("cedar {} --help", command_));
}

Result<const Options::Option*> Options::Find(std::string_view word) const {
  const bool is_long = word.starts_with("--");
  for (const Option& option : options_) {
    if (is_long ? word.substr(2) == option.long_name : word.size() == 2 && option.short_name != '\0' && word[1] == option.short_name) return &option;
  }
  Error error = Wrong(fmt::format("`cedar {}` has no option `{}`", command_, EscapeControl(word)));
  if (is_long) {
    std::vector<std::string> known;
    for (const Option& option : options_) known.push_back(option.long_name);
    std::string near = Nearest(word.substr(2), known);
    if (near.empty()) near = AlikeAtTheBeginning(word.substr(2), known);
    if (!near.empty()) error.hint = fmt::format("did you mean `--{}`?", near);
  } else if (!argument_name_.empty()) {
    error.hint = fmt::format("cedar {} --help; behind `--` everything is {}", command_, argument_name_);
  }
  return Fail(std::move(error));
}

Status Options::Take(const Option& option, const std::string& value) const {
  // Of two files only one would be read: whoever gives two means both.
  if (option.text != nullptr ? option.text->has_value() : option.number->has_value()) {
    return Fail(Wrong(fmt::format("`--{}` is given twice", option.long_name)));
  }
  if (!option.choices.empty() && std::ranges::find(option.choices, value) == option.choices.end()) {
    return Fail(Wrong(fmt::format("`--{}` is one of {}, not `{}`", option.long_name, Join(option.choices, ", "), EscapeControl(value))));
  }
  if (option.text != nullptr) {
    *option.text = value;
    return {};
  }
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (failure != std::errc() || end != value.data() + value.size() || number < 0) {
    return Fail(Wrong(fmt::format("`--{}` takes a whole number from 0, not `{}`", option.long_name, EscapeControl(value))));
  }
  *option.number = number;
  return {};
}

Status Options::TakeArgument(const std::string& word) {
  if (arguments_ != nullptr) {
    arguments_->push_back(word);
    return {};
  }
  if (argument_ == nullptr || argument_->has_value()) {
    return Fail(Wrong(fmt::format("`cedar {}` takes no{} argument `{}`", command_, argument_ == nullptr ? "" : " further", EscapeControl(word))));
  }
  *argument_ = word;
  return {};
}

Result<bool> Options::Parse(std::span<const std::string> words) {
  bool only_arguments = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (only_arguments || word.size() < 2 || word[0] != '-') {
      REMIT_TRY(TakeArgument(word));
      continue;
    }
    if (word == "--") {
      only_arguments = true;
      continue;
    }
    if (word == "--help" || word == "-h") {
      std::fputs(Help().c_str(), stdout);
      return false;
    }
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    REMIT_ASSIGN(const Option* option, Find(std::string_view(word).substr(0, equals)));
    if (option->flag != nullptr) {
      if (equals != std::string::npos) return Fail(Wrong(fmt::format("`--{}` takes no value", option->long_name)));
      *option->flag = true;
      continue;
    }
    if (equals == std::string::npos && i + 1 == words.size()) {
      return Fail(Wrong(fmt::format("`{}` needs {} behind it", word, option->value)));
    }
    REMIT_TRY(Take(*option, equals == std::string::npos ? words[++i] : word.substr(equals + 1)));
  }
  return true;
}

std::string Options::Help() const {
  std::string text = fmt::format("cedar {}: {}\n\nusage: cedar {} [options]", command_, summary_, command_);
  if (!argument_name_.empty()) text += " " + argument_name_;
  text += "\n\n";
  std::vector<std::pair<std::string, std::string>> rows;
  if (!argument_name_.empty()) rows.emplace_back("    " + argument_name_, argument_help_);
  for (const Option& option : options_) {
    std::string names = option.short_name == '\0' ? "    " : fmt::format("-{}, ", option.short_name);
    names += "--" + option.long_name + (option.value.empty() ? "" : " " + option.value);
    rows.emplace_back(std::move(names), option.help);
  }
  rows.emplace_back("-h, --help", "this help");
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, std::min<std::size_t>(row.first.size(), 40));
  for (const auto& [names, help] : rows) text += fmt::format("  {:<{}}  {}\n", names, width, help);
  if (!example_.empty()) {
    text += "\nexample:\n";
    for (const std::string& line : Split(example_, '\n')) text += "  " + line + "\n";
  }
  return text;
}

}  // namespace remit::cedar::command
