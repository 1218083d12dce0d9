#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/count.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/local_time.h"
#include "cli/shell_word.h"
#include "cli/wrap.h"
#include "json/write.h"

namespace remit::cli {
namespace {

bool ShowsColour(int fd) {
  const char* term = std::getenv("TERM");
  return isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr && term != nullptr && std::strcmp(term, "dumb") != 0;
}

std::string_view CodeOf(Style style) {
  switch (style) {
    case Style::kPlain: return "";
    case Style::kBold: return "\x1b[1m";
    case Style::kDim: return "\x1b[2m";
    case Style::kGreen: return "\x1b[32m";
    case Style::kRed: return "\x1b[31m";
    case Style::kYellow: return "\x1b[33m";
    case Style::kCyan: return "\x1b[36m";
  }
  return "";
}

// Lines stay lines; everything else that hides is shown.
std::string Visible(std::string_view text) {
  std::string out;
  for (const std::string& line : Split(text, '\n')) out += (out.empty() ? "" : "\n") + EscapeControl(line);
  return out;
}

}  // namespace

std::string Styled(Style style, std::string_view text, int fd) {
  if (style == Style::kPlain || !ShowsColour(fd)) return std::string(text);
  return std::string(CodeOf(style)) + std::string(text) + "\x1b[0m";
}

// What was said on stdout before comes before, also where that is a pipe.
void PrintError(const Error& error) {
  std::fflush(stdout);
  if (globals().json) {
    json::Object inner{{"code", CodeName(error.code)}, {"reason", error.reason}, {"message", error.message}};
    if (!error.place.empty()) inner.Set("place", error.place);
    if (!error.hint.empty()) inner.Set("hint", error.hint);
    std::fprintf(stderr, "%s\n", json::Write(json::Object{{"error", std::move(inner)}}).c_str());
    return;
  }
  std::string place = error.place.empty() ? "" : EscapeControl(error.place) + ": ";
  std::fprintf(stderr, "%s %s%s\n", Styled(Style::kRed, "remit:", 2).c_str(), place.c_str(), Visible(WithLocalTimes(error.message)).c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "%s %s\n", Styled(Style::kCyan, "hint:", 2).c_str(), Visible(WithLocalTimes(error.hint)).c_str());
}

void PrintMessage(std::string_view text) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s %s\n", Styled(Style::kDim, "remit:", 2).c_str(), Visible(text).c_str());
}

void PrintLine(std::string_view text) { std::printf("%.*s\n", static_cast<int>(text.size()), text.data()); }

void PrintJson(const json::Value& value) { PrintLine(isatty(1) == 1 ? json::WritePretty(value) : json::Write(value)); }

void PrintTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], ColumnsOf(row[i]));
    }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < rows[r].size(); ++i) {
      line += rows[r][i];
      if (i + 1 < rows[r].size()) line += std::string(widths[i] - ColumnsOf(rows[r][i]) + 2, ' ');
    }
    PrintLine(r == 0 ? Styled(Style::kBold, line) : line);
  }
}

bool Flagged(const json::Value& value, std::string_view member) {
  const json::Value* found = value.Find(member);
  return found != nullptr && found->IsBool() && found->AsBool();
}

std::string Text(const json::Value& value, std::string_view member) {
  const json::Value* found = value.Find(member);
  if (found == nullptr || found->IsNull()) return "";
  return found->IsString() ? EscapeControl(found->AsString()) : json::Write(*found);
}

std::string Plain(const json::Value& value) {
  if (value.IsString()) return EscapeControl(value.AsString());
  if (const json::Value* entity = value.Find("__entity")) return Text(*entity, "id");
  if (const json::Value* extension = value.Find("__extn")) return Text(*extension, "arg");
  if (value.IsArray()) {
    std::vector<std::string> parts;
    for (const json::Value& one : value.AsArray()) parts.push_back(Plain(one));
    return Join(parts, ",");
  }
  return json::Write(value);
}

void PrintStillRunning(const json::Value& answer) {
  const json::Value* still = answer.Find("still_running");
  if (still == nullptr || still->Find("count")->AsInt() == 0) return;
  for (const json::Value& task : still->Find("tasks")->AsArray())
    PrintLine(fmt::format("{} {} ({}, {})", Styled(Style::kYellow, "still there:"), Text(task, "task"), Text(task, "type"), Text(task, "state")));
  const std::string goes_on = Counted(still->Find("count")->AsInt(), "task goes on until it ends", "tasks go on until they end");
  PrintMessage(fmt::format("{}; `remit offboard {}` ends all of it", goes_on, ShellWord(Text(answer, "uid"))));
}

std::string Parameters(const json::Value& parameters) {
  std::vector<std::string> parts;
  if (parameters.IsObject())
    for (const auto& [name, value] : parameters.AsObject()) parts.push_back(name + "=" + Plain(value));
  return Join(parts, " ");
}

}  // namespace remit::cli
