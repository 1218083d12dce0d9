// See builtin_schema.h.
#include "task/builtin_schema.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace remit::task {
namespace {

std::vector<std::string> Join(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> all = a;
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

std::string Action(std::string_view names, const std::vector<std::string>& principals, const std::vector<std::string>& resources,
                   std::string_view context = {}) {
  if (principals.empty() || resources.empty()) return fmt::format("  action {};\n", names);
  return fmt::format("  action {} appliesTo {{ principal: [{}], resource: [{}]{} }};\n", names, fmt::join(principals, ", "),
                     fmt::join(resources, ", "), context.empty() ? "" : fmt::format(", context: {}", context));
}

}  // namespace

std::string BuiltinSchema(const BuiltinParts& parts) {
  const std::vector<std::string> server{std::string(kServerType)};
  const std::vector<std::string> callers = Join(parts.actors, parts.persons);
  std::string text = "namespace Remit {\n  entity Server;\n  entity EntityType;\n";
  text += "  type Local = { weekday: __cedar::Long, minute: __cedar::Long };\n";
  text += Action("start", callers, parts.tasks, "{ now: __cedar::datetime, local: Local }");
  text += Action("break_glass", callers, parts.tasks, "{ now: __cedar::datetime, local: Local, open_reviews: __cedar::Long }");
  text += Action("extend, suspend, resume, complete, revoke", callers, parts.tasks);
  text += Action("approve, deny", callers, Join(parts.tasks, server));
  text += Action("delegate", Join(callers, parts.tasks), parts.tasks);
  text += Action("view", callers, Join(parts.tasks, server));
  text += Action("enforce", parts.actors, Join(parts.resources, server));
  text += Action(
      "\"catalog.load\", \"target.change\", \"actor.change\", \"person.change\", \"key.rotate\", \"sweep.adopt\", \"offboard\", "
      "\"replace.apply\", administer",
      callers, server);
  text += Action("\"facts.put\"", callers, {std::string(kEntityTypeType)});
  text += "}\n";
  if (parts.postgres) {
    text += "namespace Postgres {\n  entity Server;\n  entity Database in [Server];\n  entity Schema in [Database];\n  entity Table in [Schema];\n";
    text += Action("select, insert, update, delete", parts.tasks, {"Postgres::Table"});
    text += "}\n";
  }
  if (parts.secrets) {
    text += "namespace Secret {\n  entity Folder in [Folder];\n  entity Path in [Folder];\n";
    text += Action("read, write", parts.tasks, {std::string(kSecretPathType)});
    text += Action("list", parts.tasks, {std::string(kSecretFolderType)});
    text += "}\n";
  }
  return text;
}

bool CountsUses(std::string_view verb) { return verb == "start" || verb == "extend" || verb == "delegate"; }

bool WaitsForYes(std::string_view verb) {
  static constexpr std::string_view kWaiting[] = {"start",     "extend",       "delegate",      "catalog.load",
                                                  "facts.put", "actor.change", "person.change", "key.rotate"};
  return std::ranges::find(kWaiting, verb) != std::end(kWaiting);
}

bool IsBuiltinName(std::string_view name) { return name.starts_with("Remit::") || name.starts_with("Postgres::") || name.starts_with("Secret::"); }

}  // namespace remit::task
