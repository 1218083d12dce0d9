// remit completion: scripts for shells, and the hidden command that they ask. Asking is quick, quiet, and leaves no trace: no session is made for it.
#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/completion/completer.h"
#include "cli/completion/completion_scripts.h"
#include "cli/output.h"
#include "cli/remote.h"

namespace remit::cli {
namespace {

// What a shell can take in one line, and a person can read.
bool IsPrintable(std::string_view text) { return !text.empty() && text.size() <= 256 && IsVisible(text); }

class Asker {
 public:
  explicit Asker(Completion& completion) : to_(completion) {}

  void Ask() {
    switch (to_.source) {
      case Source::kTask: return Tasks("/v1/tasks?limit=100");
      case Source::kEndedTask: return Tasks("/v1/tasks?limit=100"), Tasks("/v1/tasks?limit=100&state=ended");
      case Source::kApproval:
        return Each("/v1/approvals", "approvals",
                    [this](const json::Value& one) { Offer(Text(one, "id"), Text(one, "type") + " " + Parameters(Member(one, "parameters"))); });
      case Source::kType: return Each("/v1/catalog", "types", [this](const json::Value& one) { Offer(Text(one, "name"), Text(one, "purpose")); });
      case Source::kTarget: return Each("/v1/targets", "targets", [this](const json::Value& one) { Offer(Text(one, "name"), Text(one, "type")); });
      case Source::kActor: return Each("/v1/actors", "actors", [this](const json::Value& one) { Offer(Raw(one, "uid"), Text(one, "client_id")); });
      case Source::kParameter: return ParametersOfType();
      default: return;
    }
  }

 private:
  static json::Value Member(const json::Value& value, std::string_view name) {
    const json::Value* member = value.Find(name);
    return member == nullptr ? json::Value() : *member;
  }
  static std::string Raw(const json::Value& value, std::string_view name) {
    const std::string* text = value.FindString(name);
    return text == nullptr ? "" : *text;
  }

  // Each object of the list `name` in what the server answers; nothing where it does not answer in a second.
  void Each(const std::string& path, std::string_view name, const std::function<void(const json::Value&)>& use) {
    Result<Remote> remote = Remote::Open(As::kQuiet);
    if (!remote) return;
    const Result<json::Value> answer = remote->Get(path);
    const json::Value* list = answer ? answer->Find(name) : nullptr;
    if (list == nullptr || !list->IsArray()) return;
    for (const json::Value& one : list->AsArray()) use(one);
  }

  void Tasks(const std::string& path) {
    Each(path, "tasks", [this](const json::Value& one) {
      Offer(Text(one, "id"), fmt::format("{} {} {}", Text(one, "name"), Text(one, "state"), Parameters(Member(one, "parameters"))));
    });
  }

  // `service=`, and behind it what the facts know of that type, where the caller may read them.
  void ParametersOfType() {
    const std::size_t equals = to_.typed.find('=');
    const std::string typed_name = to_.typed.substr(0, equals);
    std::string entity_type;
    Each("/v1/catalog", "types", [&](const json::Value& type) {
      if (Text(type, "name") != to_.type && Text(type, "type") != to_.type) return;
      const json::Value parameters = Member(type, "parameters");
      if (!parameters.IsArray()) return;
      for (const json::Value& parameter : parameters.AsArray()) {
        const std::string name = Text(parameter, "name"), kind = Text(parameter, "type");
        if (equals == std::string::npos) {
          if (std::ranges::find(to_.set, name) == to_.set.end()) Offer(name + "=", kind);
        } else if (name == typed_name) {
          entity_type = kind;
          if (kind == "Bool") Offer(name + "=true", ""), Offer(name + "=false", "");
        }
      }
    });
    if (entity_type.empty()) return;
    Each("/v1/facts", "entities", [&](const json::Value& entity) {
      const json::Value uid = Member(entity, "uid");
      if (Raw(uid, "type") == entity_type) Offer(typed_name + "=" + Raw(uid, "id"), "");
    });
  }

  void Offer(const std::string& value, std::string help) {
    if (!value.starts_with(to_.typed) || !IsPrintable(value) || value.starts_with(":") || value.starts_with("-")) return;
    to_.candidates.push_back({to_.prefix + value, std::move(help)});
  }

  Completion& to_;
};

}  // namespace

void AddCompletion(Command& root) {
  auto shell = std::make_shared<std::string>();
  root.Sub("completion", "prints what completes remit's commands in your shell")
      .Argument("shell", *shell, "bash, zsh or fish")
      .Example("source <(remit completion bash)\nremit completion fish > ~/.config/fish/completions/remit.fish")
      .Run([shell]() -> Result<int> {
        const std::string_view script = *shell == "bash"   ? BashCompletion()
                                        : *shell == "zsh"  ? ZshCompletion()
                                        : *shell == "fish" ? FishCompletion()
                                                           : "";
        if (script.empty())
          return Fail(Code::kInvalidArgument, "usage", fmt::format("there is no completion for `{}`", EscapeControl(*shell)), "bash, zsh or fish");
        std::fwrite(script.data(), 1, script.size(), stdout);
        return kOk;
      });
  auto words = std::make_shared<std::vector<std::string>>();
  root.Sub("__complete", "what could stand at the end of these words")
      .Hide()
      .Rest("WORDS...", *words, "those behind the program's name, the last one being typed")
      .Run([words]() -> Result<int> {
        Completion completion = Complete(DescribeCommands(), *words);
        Asker(completion).Ask();
        if (completion.source == Source::kFiles) PrintLine(":files");
        if (completion.source == Source::kCommand) PrintLine(fmt::format(":command {}", completion.from));
        for (const Candidate& one : completion.candidates) PrintLine(one.help.empty() ? one.value : one.value + "\t" + EscapeControl(one.help));
        return kOk;
      });
}

}  // namespace remit::cli
