#include "cli/command.h"

#include <algorithm>
#include <set>

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/wrap.h"

namespace remit::cli {
namespace {

// The help of every command, in lines that fit the terminal; each description keeps to its column.
class HelpInLines : public CLI::Formatter {
  static constexpr std::size_t kNames = 14;  // commands have short names; options do not

 public:
  std::string make_description(const CLI::App* app) const override { return Wrapped(CLI::Formatter::make_description(app), columns_); }
  std::string make_option_desc(const CLI::Option* option) const override {
    return Wrapped(CLI::Formatter::make_option_desc(option), columns_ - get_column_width());
  }
  std::string make_subcommand(const CLI::App* sub) const override {
    return Entry(sub->get_display_name(true), sub->get_description(), kNames, columns_);
  }
  // What holds for every command stands in the help of each; its example, which is to be typed as it stands, comes last.
  std::string make_footer(const CLI::App* app) const override {
    if (app->get_parent() == nullptr) return CLI::Formatter::make_footer(app);
    return "Everywhere:\n" + InColumns("--json", "answer in JSON") +
           InColumns("--server ADDRESS", "where the server is: http(s)://HOST:PORT or unix:/PATH (else $REMIT_ADDR)") +
           CLI::Formatter::make_footer(app);
  }

 protected:
  std::string InColumns(std::string_view name, std::string_view text) const { return Entry(name, text, get_column_width(), columns_); }

 private:
  std::size_t columns_ = LineColumns(1);
};

// The help of a command with something behind `--`, which the parser itself never sees.
class HelpWithRest final : public HelpInLines {
 public:
  HelpWithRest(std::string name, std::string help) : name_(std::move(name)), help_(std::move(help)) {}

  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = CLI::Formatter::make_usage(app, std::move(name));
    while (usage.ends_with("\n")) usage.pop_back();
    return usage + " -- " + name_ + "\n";
  }

  std::string make_positionals(const CLI::App* app) const override { return CLI::Formatter::make_positionals(app) + InColumns("-- " + name_, help_); }

 private:
  std::string name_, help_;
};

// The help of the root: its commands as people work, not as they were added.
class HelpInGroups final : public HelpInLines {
 public:
  std::string make_subcommands(const CLI::App* app, CLI::AppFormatMode) const override {
    std::string text;
    for (const CommandGroup& group : CommandGroups()) {
      text += fmt::format("\n{}:\n", group.title);
      for (const std::string& name : group.commands) text += make_subcommand(app->get_subcommand(name));
    }
    return text;
  }
};

constexpr std::string_view kTask = "TASK";  // an option's value that names a task

}  // namespace

struct Command::Impl {
  // What must not be empty, where it is given: its name, its option, and where that is read to.
  struct Named {
    std::string name;
    const CLI::Option* option;
    const std::string* into;
    bool IsEmpty() const { return option->count() > 0 && into->empty(); }
  };

  CLI::App* app = nullptr;
  std::shared_ptr<CLI::App> root;  // owned by the root command
  std::shared_ptr<std::function<Result<int>()>> chosen;
  std::shared_ptr<std::vector<std::string>> behind_dashes;
  std::shared_ptr<std::set<const CLI::App*>> takers_of_rest;                           // those that have something behind `--`
  std::shared_ptr<std::vector<Named>> named = std::make_shared<std::vector<Named>>();  // of this command
};

Globals& globals() {
  static Globals all;
  return all;
}

int ExitOf(const Error& error) {
  if (error.reason == "task-ended-first") return kTaskEnded;
  if (error.reason == "not-approved") return kNotApproved;
  if (error.reason == "verification-failed") return kVerificationFailed;
  switch (error.code) {
    case Code::kInvalidArgument:
    case Code::kUnsupported: return kUsage;
    case Code::kUnauthenticated:
    case Code::kPermissionDenied: return kDenied;
    case Code::kNotFound: return kNotFound;
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
    case Code::kConflict: return kState;
    case Code::kResourceExhausted:
    case Code::kUnavailable:
    case Code::kDeadlineExceeded: return kUnavailable;
    case Code::kCorrupt: return kVerificationFailed;
    case Code::kInternal: return kInternal;
  }
  return kInternal;
}

Command& Command::Sub(const std::string& name, const std::string& summary) {
  auto impl = std::make_shared<Impl>(*impl_);
  impl->app = impl_->app->add_subcommand(name, summary);
  impl->named = std::make_shared<std::vector<Impl::Named>>();
  impl->app->fallthrough();
  impl->app->formatter(std::make_shared<HelpInLines>());
  subs_.push_back(std::make_unique<Command>(std::move(impl)));
  return *subs_.back();
}

Command& Command::Example(const std::string& lines) {
  std::string text = "\nExample:\n";
  std::string rest = lines;
  for (std::size_t end; (end = rest.find('\n')) != std::string::npos; rest = rest.substr(end + 1)) text += "  " + rest.substr(0, end) + "\n";
  impl_->app->footer(text + "  " + rest);
  return *this;
}

Command& Command::Argument(const std::string& name, std::string& into, const std::string& help, bool required) {
  const CLI::Option* option = impl_->app->add_option(name, into, help)->required(required)->type_name("");
  if (required) impl_->named->push_back({name, option, &into});
  return *this;
}

Command& Command::Arguments(const std::string& name, std::vector<std::string>& into, const std::string& help, bool required) {
  impl_->app->add_option(name, into, help)->required(required)->type_name("");
  return *this;
}

Command& Command::Option(const std::string& name, std::string& into, const std::string& help, const std::string& value) {
  const CLI::Option* option = impl_->app->add_option(name, into, help)->type_name(value);
  // An empty one would mean none: without a parent, or of all tasks.
  if (value == kTask) impl_->named->push_back({name, option, &into});
  return *this;
}

Command& Command::Option(const std::string& name, std::vector<std::string>& into, const std::string& help, const std::string& value) {
  impl_->app->add_option(name, into, help)->type_name(value)->allow_extra_args(false);
  return *this;
}

Command& Command::Flag(const std::string& name, bool& into, const std::string& help) {
  impl_->app->add_flag(name, into, help);
  return *this;
}

Command& Command::Rest(const std::string& name, std::vector<std::string>& into, const std::string& help) {
  impl_->app->formatter(std::make_shared<HelpWithRest>(name, help));
  impl_->takers_of_rest->insert(impl_->app);
  auto behind = impl_->behind_dashes;
  impl_->app->parse_complete_callback([&into, behind] { into = *behind; });
  return *this;
}

Command& Command::Hide() {
  impl_->app->group("");
  return *this;
}

Command& Command::Run(std::function<Result<int>()> run) {
  auto chosen = impl_->chosen;
  impl_->app->final_callback([chosen, run = std::move(run), all = impl_->named] {
    *chosen = [run, all]() -> Result<int> {
      for (const Impl::Named& one : *all)
        if (one.IsEmpty())
          return Fail(Code::kInvalidArgument, "usage", fmt::format("`{}` is empty", one.name), "was it a variable of the shell that is not set?");
      return run();
    };
  });
  return *this;
}

namespace {

// CLI11 says what is wrong in its own words; ours begin with a lower case letter and have no full stop.
std::string InOurWords(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  while (!text.empty() && (text.back() == '.' || text.back() == '\n')) text.pop_back();
  return text;
}

// The command that the words named so far, as people type it, and the part of the parser that knows what may follow.
struct Reached {
  CLI::App* app;
  std::string name;
};

Reached Reach(CLI::App& root) {
  Reached reached{&root, root.get_name()};
  while (!reached.app->get_subcommands().empty()) {
    reached.app = reached.app->get_subcommands().front();
    reached.name += " " + reached.app->get_name();
  }
  return reached;
}

// Flags with two dashes, of this command and of all.
std::vector<std::string> Flags(const CLI::App& root, const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::App* app : {&root, &command})
    for (const CLI::Option* option : app->get_options())
      for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  return flags;
}

// What to say of words that nobody asked for: the first flag among them, else the first word.
Error SurplusError(CLI::App& root, const Reached& reached) {
  std::vector<std::string> words = root.remaining(true);
  const auto flag = std::ranges::find_if(words, [](const std::string& word) { return word.starts_with("-"); });
  Error error(Code::kInvalidArgument, "usage", "");
  error.hint = reached.name + " --help";
  if (flag == words.end()) {
    error.message = fmt::format("`{}` takes no `{}`", reached.name, words.empty() ? "" : EscapeControl(words.front()));
    return error;
  }
  const std::string name = flag->substr(0, flag->find('='));
  error.message = fmt::format("`{}` has no option `{}`", reached.name, EscapeControl(name));
  if (const std::string nearest = Nearest(name, Flags(root, *reached.app)); !nearest.empty()) error.hint = fmt::format("did you mean `{}`?", nearest);
  return error;
}

// What to say of words that the parser refused with `why`.
Error UsageError(CLI::App& root, const std::string& why, bool surplus) {
  const Reached reached = Reach(root);
  std::vector<std::string> known;
  for (const CLI::App* sub : reached.app->get_subcommands([](const CLI::App*) { return true; })) known.push_back(sub->get_name());
  Error error(Code::kInvalidArgument, "usage", InOurWords(why));
  error.hint = reached.name + " --help";
  if (known.empty()) return surplus ? SurplusError(root, reached) : error;
  error.message = fmt::format("`{}` needs a command behind it", reached.name);
  for (const std::string& word : root.remaining(true)) {
    if (word.starts_with("-")) continue;
    error.message = fmt::format("`{}` has no command `{}`", reached.name, EscapeControl(word));
    if (const std::string nearest = Nearest(word, known); !nearest.empty()) error.hint = fmt::format("did you mean `{} {}`?", reached.name, nearest);
    break;
  }
  return error;
}

// `remit help catalog load`: what `remit catalog load --help` says.
Result<int> PrintHelpOf(const CLI::App& root, const std::vector<std::string>& words) {
  const CLI::App* app = &root;
  std::string above, name = root.get_name();
  for (const std::string& word : words) {
    const std::vector<const CLI::App*> below = app->get_subcommands([&word](const CLI::App* one) { return one->get_name() == word; });
    if (below.empty()) {
      std::vector<std::string> known;
      for (const CLI::App* sub : app->get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
        known.push_back(sub->get_name());
      const std::string nearest = Nearest(word, known);
      return Fail(Code::kInvalidArgument, "usage", fmt::format("`{}` has no command `{}`", name, EscapeControl(word)),
                  nearest.empty() ? name + " --help" : fmt::format("did you mean `remit help{} {}`?", name.substr(root.get_name().size()), nearest));
    }
    app = below.front();
    name += " " + app->get_name();
  }
  const std::string help = app->get_formatter()->make_help(app, name, CLI::AppFormatMode::Normal);
  std::fputs(help.c_str(), stdout);
  return kOk;
}

// It speaks of the parser itself, so that it is no file of its own.
void AddHelp(Command& root, const CLI::App& app) {
  auto words = std::make_shared<std::vector<std::string>>();
  root.Sub("help", "explains a command, with an example")
      .Arguments("command", *words, "as you would type it; none: lists them all")
      .Example("remit help run\nremit help catalog load")
      .Run([words, &app]() -> Result<int> { return PrintHelpOf(app, *words); });
}

// As people meet them.
std::size_t PlaceOf(const std::string& command) {
  std::size_t place = 0;
  for (const CommandGroup& group : CommandGroups())
    for (const std::string& name : group.commands) {
      if (name == command) return place;
      ++place;
    }
  return place;
}

}  // namespace

namespace {

// The parser with every command. `root` keeps them.
struct Line {
  std::shared_ptr<Command::Impl> impl = std::make_shared<Command::Impl>();
  std::unique_ptr<Command> root;
};

Line MakeLine(std::shared_ptr<std::vector<std::string>> behind) {
  auto app =
      std::make_shared<CLI::App>("Remit gives a machine exactly the access that one task needs, for exactly as long as that task runs", "remit");
  app->require_subcommand(1);
  app->set_version_flag("--version", std::string("remit ") + REMIT_VERSION);
  app->add_flag("--json", globals().json, "answer in JSON");
  app->add_option("--server", globals().server,
                  "where the server is: http(s)://HOST:PORT or unix:/PATH (else $REMIT_ADDR, else /run/remit/remit.sock)")
      ->type_name("ADDRESS");
  Line line;
  line.impl->app = app.get();
  line.impl->root = app;
  line.impl->chosen = std::make_shared<std::function<Result<int>()>>();
  line.impl->behind_dashes = std::move(behind);
  line.impl->takers_of_rest = std::make_shared<std::set<const CLI::App*>>();
  line.root = std::make_unique<Command>(line.impl);
  AddCommands(*line.root);
  AddHelp(*line.root, *app);
  app->formatter(std::make_shared<HelpInGroups>());
  app->footer("`remit help COMMAND` explains one, with an example.");
  return line;
}

CommandInfo Describe(const CLI::App& app, const std::set<const CLI::App*>& takers_of_rest) {
  CommandInfo info{
      .name = app.get_name(), .summary = app.get_description(), .hidden = app.get_group().empty(), .rest = takers_of_rest.contains(&app)};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      info.arguments.push_back({option->get_name(true, false), option->get_items_expected_max() > 1});
      continue;
    }
    OptionInfo one{.names = {}, .value = {}, .help = option->get_description(), .many = option->get_expected_max() > 1};
    for (const std::string& name : option->get_lnames()) one.names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) one.names.push_back("-" + name);
    if (option->get_items_expected_max() > 0) one.value = option->get_type_name();
    info.options.push_back(std::move(one));
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) info.commands.push_back(Describe(*sub, takers_of_rest));
  return info;
}

}  // namespace

CommandInfo DescribeCommands() {
  const Line line = MakeLine(std::make_shared<std::vector<std::string>>());
  CommandInfo root = Describe(*line.impl->app, *line.impl->takers_of_rest);
  std::ranges::stable_sort(root.commands, {}, [](const CommandInfo& command) { return PlaceOf(command.name); });
  return root;
}

int Main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  auto behind = std::make_shared<std::vector<std::string>>();
  if (auto dashes = std::find(arguments.begin(), arguments.end(), "--"); dashes != arguments.end()) {
    behind->assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
  }
  const Line line = MakeLine(behind);
  const std::shared_ptr<Command::Impl>& impl = line.impl;
  const std::shared_ptr<CLI::App>& app = impl->root;
  try {
    std::reverse(arguments.begin(), arguments.end());
    app->parse(arguments);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app->help().c_str(), stdout);
    return kOk;
  } catch (const CLI::CallForAllHelp&) {
    std::fputs(app->help("", CLI::AppFormatMode::All).c_str(), stdout);
    return kOk;
  } catch (const CLI::CallForVersion& version) {
    std::printf("%s\n", version.what());
    return kOk;
  } catch (const CLI::ParseError& error) {
    PrintError(UsageError(*app, error.what(), dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr));
    return kUsage;
  }
  if (!*impl->chosen) {
    PrintError(UsageError(*app, "which command?", false));
    return kUsage;
  }
  Result<int> outcome = (*impl->chosen)();
  if (outcome) return *outcome;
  PrintError(outcome.error());
  return ExitOf(outcome.error());
}

}  // namespace remit::cli
