#include "posture/propose/proposal_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "cedar/value.h"
#include "json/write.h"

namespace remit::posture {
namespace {

constexpr std::string_view kAccountsSchema =
    R"(// The accounts that had standing access, as actors. Catalogs that were proposed for several servers hold this same file, so that they can be
// loaded together: a file that is there twice, with the same name and the same text, counts once.

@actor
entity ServiceAccount;
)";

std::string Lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string Actor(const std::string& account) { return cedar::EntityUid{std::string(kAccountType), account}.ToString(); }
std::string Table(const std::string& resource) { return cedar::EntityUid{"Postgres::Table", resource}.ToString(); }
std::string Action(const std::string& privilege) { return cedar::EntityUid{"Postgres::Action", Lower(privilege)}.ToString(); }

// TOML's basic strings are JSON's.
std::string Toml(std::string_view text) { return json::Write(json::Value(text)); }

std::string Times(std::uint64_t count) { return count == 1 ? "once" : fmt::format("{} times", count); }

// People read it: to the second.
std::string Moment(Time t) { return FormatTime(std::chrono::floor<std::chrono::seconds>(t)); }

std::string Period(const ScanReport& report) {
  if (!report.first || !report.last) return "no line of a log";
  return fmt::format("{} lines of the log from {} to {}", report.records, Moment(*report.first), Moment(*report.last));
}

std::set<std::string> Tables(const ProposedType& type) {
  std::set<std::string> tables;
  for (const ProposedPermission& one : type.permissions) tables.insert(one.resource);
  return tables;
}

std::string Schema(const ScanReport& report, const Proposal& proposal) {
  std::string text = fmt::format("// What accounts did, as task types. Proposed by `remit scan propose` from {}.\n", Period(report));
  for (const ProposedType& type : proposal.types)
    text += fmt::format(R"(
@task({})
@name({})
@ttl("{}")
@max_ttl("{}")
entity {} = {{
  actor: ServiceAccount,  // filled by Remit
  tables: Set<Postgres::Table>,
}};
)",
                        cedar::Quote(fmt::format("What {} does in {}", EscapeControl(type.account), EscapeControl(type.database))),
                        cedar::Quote(type.name), FormatDuration(type.life), FormatDuration(type.life), type.entity_type);
  return text;
}

std::string Doc(const ProposedType& type, const ProposedPermission& one, const UseIndex& uses) {
  if (one.is_hidden) return "not in the log: may stand behind another privilege of the same statement, and is held";
  const Use& use = *uses.at({type.account, one.object, one.privilege});
  std::vector<std::string> paths;
  for (const Holding& holding : use.held) paths.push_back(EscapeControl(holding.path.ToString()));
  std::string with;
  for (const std::string& sequence : one.sequences) with += "; brings USAGE on sequence " + EscapeControl(sequence);
  return fmt::format("used {} in {} session{}, first {}, last {}; held: {}{}", Times(use.count), use.sessions, use.sessions == 1 ? "" : "s",
                     Moment(use.first), Moment(use.last), Join(paths, ", "), with);
}

// The list that an administrator hands to the target: "public.invoices:select,insert".
std::string Grants(const ProposedType& type) {
  std::map<std::string, std::vector<std::string>> tables;
  for (const ProposedPermission& one : type.permissions) tables[one.resource.substr(type.target.size() + 1)].push_back(Lower(one.privilege));
  std::string text;
  for (const auto& [table, privileges] : tables) text += fmt::format("//   {}:{}\n", EscapeControl(table), Join(privileges, ","));
  return text;
}

std::string Policies(const ProposedType& type, const UseIndex& uses) {
  std::vector<std::string> tables;
  for (const std::string& table : Tables(type)) tables.push_back(Table(table));
  std::string text = fmt::format(
      R"(// What the task may do: what {0} did in {1} and holds there, on those of these tables that the task names.
// The target `{2}` must be able to give them (`tables` in remit.toml, or --table of `remit target init postgres {2}`):
{3})",
      EscapeControl(type.account), EscapeControl(type.database), type.target, Grants(type));
  for (const ProposedPermission& one : type.permissions)
    text += fmt::format(R"(
@id({})
@doc({})
permit (principal is {}, action == {}, resource == {})
when {{ principal.tables.contains(resource) }};
)",
                        cedar::Quote(one.policy), cedar::Quote(Doc(type, one, uses)), type.entity_type, Action(one.privilege), Table(one.resource));
  text += fmt::format(R"(
// Who may start it: the account that did it until now, for these tables.
@id({})
permit (principal == {}, action == Remit::Action::"start", resource is {})
when {{
  [
    {}
  ].containsAll(resource.tables) && !resource.tables.isEmpty()
}};
)",
                      cedar::Quote(type.name + "-start"), Actor(type.account), type.entity_type, Join(tables, ",\n    "));
  return text;
}

// One case of a test file.
struct Case {
  std::string name, table, action, resource, expect;
  std::string actor;
};

std::string CaseText(const ProposedType& type, const Case& c) {
  std::string text = fmt::format("\n[[case]]\nname = {}\ntask = {}\nparams = {{ tables = [{}] }}\nactor = {}\n", Toml(c.name), Toml(type.name),
                                 c.table, Toml(c.actor.empty() ? Actor(type.account) : c.actor));
  text += c.action.empty() ? "start = true\n" : fmt::format("action = {}\nresource = {}\n", Toml(c.action), Toml(c.resource));
  return text + fmt::format("expect = \"{}\"\n", c.expect);
}

std::string Tests(const ProposedType& type) {
  std::string text = fmt::format("# Expected decisions of {}. Run them with `remit catalog test`.\n", type.name);
  std::vector<std::string> all;
  for (const std::string& table : Tables(type)) all.push_back(Toml(table));
  const std::string other = type.target + "/remit_no_such_schema.remit_no_such_table";
  text += CaseText(type, {"the account starts it for all of its tables", Join(all, ", "), "", "", "allow", ""});
  text += CaseText(type, {"for no other table", Toml(other), "", "", "deny", ""});
  text += CaseText(type, {"for none at all", "", "", "", "deny", ""});
  text += CaseText(type, {"and nobody else does", Join(all, ", "), "", "", "deny", Actor("remit-no-such-account")});
  std::map<std::string, std::set<std::string>> allowed;
  for (const ProposedPermission& one : type.permissions) {
    allowed[one.resource].insert(one.privilege);
    text += CaseText(type, {fmt::format("{} on {}", Lower(one.privilege), one.resource), Toml(one.resource), Action(one.privilege),
                            Table(one.resource), "allow", ""});
  }
  for (const auto& [resource, privileges] : allowed)
    for (const std::string privilege : {"SELECT", "INSERT", "UPDATE", "DELETE"})
      if (!privileges.contains(privilege))
        text +=
            CaseText(type, {fmt::format("no {} on {}", Lower(privilege), resource), Toml(resource), Action(privilege), Table(resource), "deny", ""});
  const ProposedPermission& first = type.permissions.front();
  text += CaseText(type, {"nothing on a table that the task does not name", Toml(other), Action(first.privilege), Table(first.resource), "deny", ""});
  return text;
}

std::string Facts(const Proposal& proposal) {
  std::set<std::string> accounts;
  for (const ProposedType& type : proposal.types) accounts.insert(type.account);
  std::vector<std::string> lines;
  for (const std::string& account : accounts)
    lines.push_back("  " + json::Write(json::Object{{"uid", json::Object{{"type", std::string(kAccountType)}, {"id", account}}},
                                                    {"attrs", json::Object{}},
                                                    {"parents", json::Array{}}}));
  return "[\n" + Join(lines, ",\n") + "\n]\n";
}

}  // namespace

void ProposalTexts(const ScanReport& report, Proposal& proposal, const UseIndex& uses) {
  proposal.files.push_back({"service-accounts.cedarschema", std::string(kAccountsSchema)});
  proposal.files.push_back({"proposed.cedarschema", Schema(report, proposal)});
  for (const ProposedType& type : proposal.types) {
    proposal.files.push_back({type.name + ".cedar", Policies(type, uses)});
    proposal.tests.push_back({type.name + ".test.toml", Tests(type)});
  }
  proposal.facts = Facts(proposal);
}

}  // namespace remit::posture
