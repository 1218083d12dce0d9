#include "cli/completion/completer.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace remit::cli {
namespace {

// What is read of the words before the one that is being typed.
struct Position {
  const CommandInfo* command;
  std::string path;                          // "catalog load"
  const OptionInfo* awaited = nullptr;       // this option's value comes next
  std::vector<std::string> arguments;        // given so far
  std::vector<std::string> options;          // likewise
  std::optional<std::size_t> behind_dashes;  // the first word behind `--`
};

const OptionInfo* FindOption(const CommandInfo& root, const CommandInfo& command, std::string_view name) {
  for (const CommandInfo* where : {&command, &root})
    for (const OptionInfo& option : where->options)
      if (std::ranges::find(option.names, name) != option.names.end()) return &option;
  return nullptr;
}

Position Read(const CommandInfo& root, const std::vector<std::string>& words) {
  Position at{.command = &root, .path = {}, .arguments = {}, .options = {}, .behind_dashes = {}};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (at.awaited != nullptr) {
      at.awaited = nullptr;
    } else if (word == "--") {
      at.behind_dashes = i + 1;
      return at;
    } else if (word.starts_with("-")) {
      const std::string name = word.substr(0, word.find('='));
      const OptionInfo* option = FindOption(root, *at.command, name);
      if (option == nullptr) continue;
      at.options.insert(at.options.end(), option->names.begin(), option->names.end());
      if (!option->value.empty() && name.size() == word.size()) at.awaited = option;
    } else if (const auto sub = std::ranges::find(at.command->commands, word, &CommandInfo::name); sub != at.command->commands.end()) {
      at.command = &*sub;
      at.path += (at.path.empty() ? "" : " ") + word;
    } else {
      at.arguments.push_back(word);
    }
  }
  return at;
}

void Offer(Completion& to, std::initializer_list<std::string_view> values) {
  for (const std::string_view value : values)
    if (value.starts_with(to.typed)) to.candidates.push_back({to.prefix + std::string(value), ""});
}

void ForValue(Completion& to, const Position& at, const OptionInfo& option) {
  const std::string& name = option.names.front();
  if (name == "--state")
    return Offer(to, {"requested", "scheduled", "active", "suspended", "ended", "completed", "revoked", "expired", "failed", "withdrawn", "denied"});
  if (option.value == "FILE" || option.value == "FOLDER" || option.value == "PATH") to.source = Source::kFiles;
  if (option.value == "TASK") to.source = Source::kEndedTask;
  if (name == "--type" && at.path == "list") to.source = Source::kType;
  if (name == "--actor") to.source = Source::kActor;
}

void ForArgument(Completion& to, const Position& at) {
  const std::vector<ArgumentInfo>& arguments = at.command->arguments;
  if (arguments.empty()) return;
  const std::size_t index = std::min(at.arguments.size(), arguments.size() - 1);
  if (at.arguments.size() >= arguments.size() && !arguments.back().many) return;
  const std::string& name = arguments[index].name;
  if (at.path == "completion") return Offer(to, {"bash", "zsh", "fish"});
  if (at.path == "target init" && name == "type") return Offer(to, {"postgres"});
  if (at.path == "key rotate" && name == "key") return Offer(to, {"access", "receipt"});
  if (name == "task") to.source = at.path == "show" || at.path == "receipt" ? Source::kEndedTask : Source::kTask;
  if (name == "approval") to.source = Source::kApproval;
  if (name == "type") to.source = Source::kType;
  if (name == "name" && at.path.starts_with("target")) to.source = Source::kTarget;
  if (name == "file" || name == "files" || name == "folders" || (name == "source" && at.path == "facts sync") ||
      (name == "folder" && !at.path.starts_with("secret")))
    to.source = Source::kFiles;
  if (name == "parameters" && !at.arguments.empty()) {
    to.source = Source::kParameter;
    to.type = at.arguments.front();
    for (std::size_t i = 1; i < at.arguments.size(); ++i) to.set.push_back(at.arguments[i].substr(0, at.arguments[i].find('=')));
  }
}

void ForName(Completion& to, const Position& at, const CommandInfo& root) {
  for (const CommandInfo* where : {at.command, &root}) {
    for (const OptionInfo& option : where->options) {
      const bool given =
          std::ranges::any_of(option.names, [&](const std::string& n) { return std::ranges::find(at.options, n) != at.options.end(); });
      if (given && !option.many) continue;
      for (const std::string& name : option.names)
        if (name.starts_with("--") && name.starts_with(to.typed)) to.candidates.push_back({name, option.help});
    }
    if (at.command == &root) break;
  }
}

void OfferCommands(Completion& to, const CommandInfo& above) {
  for (const CommandInfo& command : above.commands)
    if (!command.hidden && command.name.starts_with(to.typed)) to.candidates.push_back({command.name, command.summary});
}

// Behind `remit help`: the commands themselves.
void OfferCommandsBelow(Completion& to, const CommandInfo& root, const std::vector<std::string>& path) {
  const CommandInfo* above = &root;
  for (const std::string& word : path) {
    const auto sub = std::ranges::find(above->commands, word, &CommandInfo::name);
    if (sub == above->commands.end()) return;
    above = &*sub;
  }
  OfferCommands(to, *above);
}

}  // namespace

Completion Complete(const CommandInfo& root, const std::vector<std::string>& words) {
  Completion to;
  if (words.empty()) return to;
  to.typed = words.back();
  const Position at = Read(root, words);
  if (at.behind_dashes) {
    to.from = *at.behind_dashes;
    if (at.command->rest) to.source = Source::kCommand;
    return to;
  }
  if (at.awaited != nullptr) {
    ForValue(to, at, *at.awaited);
    return to;
  }
  if (const std::size_t equals = to.typed.find('='); to.typed.starts_with("--") && equals != std::string::npos) {
    const OptionInfo* option = FindOption(root, *at.command, to.typed.substr(0, equals));
    if (option == nullptr || option->value.empty()) return to;
    to.prefix = to.typed.substr(0, equals + 1);
    to.typed.erase(0, equals + 1);
    ForValue(to, at, *option);
    return to;
  }
  if (to.typed.starts_with("-")) {
    ForName(to, at, root);
    return to;
  }
  if (at.path == "help") {
    OfferCommandsBelow(to, root, at.arguments);
    return to;
  }
  OfferCommands(to, *at.command);
  ForArgument(to, at);
  return to;
}

}  // namespace remit::cli
