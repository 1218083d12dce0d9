#include "notify/notice.h"

#include <array>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/text.h"
#include "json/write.h"

namespace remit::notify {
namespace {

constexpr std::size_t kValueBytes = 400;  // of one value for people; more is at the link
// Of names altogether: some 400 people, in what the strictest receiver (Teams, 28 KB) takes.
constexpr std::size_t kNotAskedForPeopleBytes = 16u << 10;

// What is said of the task, by the type of the event.
constexpr std::array<std::pair<std::string_view, std::string_view>, 21> kSayings{{
    {"task.requested", "waits for approval"},
    {"task.asked-again", "waits for approval again: what it would do has changed"},
    {"task.approved", "was approved by somebody"},
    {"task.scheduled", "is approved and waits for its time"},
    {"task.started", "has started"},
    {"task.break-glass", "was started by break-glass, without approval: somebody must sign for it when it has ended"},
    {"task.reviewed", "was signed for"},
    {"task.tripped", "was stopped: it was refused too often"},
    {"task.suspended", "is suspended"},
    {"task.resumed", "goes on"},
    {"task.completed", "is completed"},
    {"task.revoked", "was revoked"},
    {"task.expired", "has expired"},
    {"task.failed", "has failed"},
    {"task.withdrawn", "was withdrawn"},
    {"task.denied", "was denied"},
    {"task.extension-requested", "asks for more time and waits for approval"},
    {"task.extension-denied", "gets no more time"},
    {"task.extended", "has more time"},
    {"approval.requested", "waits for approval of one use"},
    {"change.requested", "waits for approval: a change of the server"},
}};

// In one line.
std::string Shown(std::string_view text) { return Cut(EscapeControl(text), kValueBytes); }

// Names, with commas, in as many lines as it takes: none of them is cut.
std::vector<std::string> LinesOfNames(const json::Array& names) {
  std::vector<std::string> lines;
  for (const json::Value& name : names) {
    if (!name.IsString()) continue;
    std::string shown = EscapeControl(name.AsString());
    if (lines.empty() || lines.back().size() + shown.size() > kValueBytes)
      lines.push_back(std::move(shown));
    else
      lines.back() += ", " + shown;
  }
  return lines;
}

// A parameter as people write it.
std::string Plain(const json::Value& value) {
  if (value.IsString()) return std::string(value.AsString());
  if (const json::Value* entity = value.Find("__entity"))
    if (const std::string* id = entity->FindString("id")) return *id;
  return json::Write(value);
}

std::string Parameters(const json::Value& parameters) {
  std::string text;
  if (!parameters.IsObject()) return text;
  for (const auto& [name, value] : parameters.AsObject()) text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, Plain(value));
  return text;
}

std::string Member(const json::Value& value, std::string_view name) {
  const std::string* text = value.FindString(name);
  return text == nullptr ? "" : *text;
}

}  // namespace

std::string Cut(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes) + "…";
}

std::pair<json::Array, std::size_t> FirstNames(const json::Array& names, std::size_t bytes) {
  std::pair<json::Array, std::size_t> first;
  std::size_t used = 0;
  for (const json::Value& name : names) {
    used += json::Write(name).size() + 2;
    if (used > bytes)
      ++first.second;
    else
      first.first.push_back(name);
  }
  return first;
}

bool Notice::IsWait() const {
  return type == "task.requested" || type == "task.asked-again" || type == "task.extension-requested" || type == "approval.requested" ||
         type == "change.requested";
}

Notice MakeNotice(std::uint64_t index, json::Value event, std::optional<task::TaskRecord> task, std::string_view base) {
  Notice notice{
      .index = index, .type = Member(event, "type"), .time = Member(event, "time"), .event = {}, .task = std::move(task), .approval = {}, .link = {}};
  const std::string id = Member(event, "task");
  notice.approval = Member(event, "approval");
  const bool of_task = notice.type.starts_with("task.") && (notice.IsWait() || notice.type == "task.approved");
  // The request to start a task, or to let it live longer, is the task itself, under another prefix.
  if (of_task && IsId(id, kTaskPrefix)) notice.approval = std::string(kApprovalPrefix) + id.substr(kTaskPrefix.size());
  if (notice.IsWait() && IsId(notice.approval, kApprovalPrefix)) {
    notice.link = fmt::format("{}/approvals/{}", base, notice.approval);
  } else if (IsId(id, kTaskPrefix)) {
    notice.link = fmt::format("{}/tasks/{}", base, id);
  }
  notice.event = std::move(event);
  return notice;
}

std::string Headline(const Notice& notice) {
  std::string who = notice.task ? notice.task->name : Member(notice.event, "name");
  if (who.empty()) who = Member(notice.event, "verb");
  if (who.empty()) who = Member(notice.event, "task");
  if (who.empty()) return Shown(notice.type);
  for (const auto& [type, saying] : kSayings)
    if (type == notice.type) return fmt::format("{} {}", Shown(who), saying);
  return fmt::format("{}: {}", Shown(who), Shown(notice.type));
}

std::vector<std::pair<std::string, std::string>> Details(const Notice& notice) {
  std::vector<std::pair<std::string, std::string>> details;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) details.emplace_back(name, Shown(value));
  };
  if (notice.task) {
    add("purpose", notice.task->purpose);
    add("actor", notice.task->actor.ToString());
    add("parameters", Parameters(notice.task->parameters));
    add("reason", notice.task->reason);
  }
  for (const auto& [member, name] : {std::pair<std::string_view, std::string_view>{"action", "action"},
                                     {"resource", "resource"},
                                     {"more", "more"},
                                     {"at", "not before"},
                                     {"trip", "trip"},
                                     {"refused", "refused"},
                                     {"note", "note"},
                                     {"credential", "credential"},
                                     {"target", "target"},
                                     {"by", "by"},
                                     {"person", "by"},
                                     {"why", "why"},
                                     {"expires", "expires"}})
    add(name, Member(notice.event, member));
  if (const json::Value* not_asked = notice.event.Find("not_asked"); not_asked != nullptr && not_asked->IsArray()) {
    const auto [told, more] = FirstNames(not_asked->AsArray(), kNotAskedForPeopleBytes);
    for (std::string& line : LinesOfNames(told)) details.emplace_back("not asked", std::move(line));
    if (more > 0) details.emplace_back("not asked", fmt::format("and {} more, whom the ledger names", more));
  }
  const bool says_the_task_s = notice.type == "task.started" || notice.type == "task.break-glass";  // reason, which stands above
  if (notice.type.starts_with("task.") && !says_the_task_s && !notice.IsWait()) add("why", Member(notice.event, "reason"));
  add("task", Member(notice.event, "task"));
  if (notice.IsWait()) add("approval", notice.approval);
  add("when", notice.time);
  return details;
}

}  // namespace remit::notify
