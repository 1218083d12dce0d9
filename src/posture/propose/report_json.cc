#include "posture/propose/report_json.h"

#include "base/text.h"

namespace remit::posture {
namespace {

std::int64_t Number(std::uint64_t count) { return static_cast<std::int64_t>(count); }

// A name that is not UTF-8 cannot stand in JSON: its bytes are shown.
json::Value Name(const std::string& name) { return IsUtf8(name) ? json::Value(name) : json::Value(EscapeControl(name)); }

json::Value ToJson(const Held& held) {
  json::Value value = ToJson(held.holding);
  value.AsObject().Set("evidence", EvidenceName(held.evidence));
  if (held.evidence == Evidence::kUsed) value.AsObject().Set("count", Number(held.count));
  return value;
}

json::Value ToJson(const Use& use) {
  json::Array held;
  for (const Holding& holding : use.held) held.push_back(holding.path.ToString());
  return json::Object{{"object", ToJson(use.object)},     {"privilege", use.privilege},     {"count", Number(use.count)},
                      {"sessions", Number(use.sessions)}, {"first", FormatTime(use.first)}, {"last", FormatTime(use.last)},
                      {"held", std::move(held)}};
}

json::Value ToJson(const ProposedPermission& one) {
  json::Array sequences;
  for (const std::string& sequence : one.sequences) sequences.push_back(Name(sequence));
  json::Object o{
      {"policy", one.policy}, {"privilege", one.privilege}, {"table", one.resource}, {"hidden", one.is_hidden}, {"sequences", std::move(sequences)}};
  if (!one.use) return o;
  o.Set("count", Number(one.use->count));
  o.Set("sessions", Number(one.use->sessions));
  o.Set("first", FormatTime(one.use->first));
  o.Set("last", FormatTime(one.use->last));
  return o;
}

json::Value ToJson(const Refused& refused) {
  json::Array candidates;
  for (const Object& object : refused.candidates) candidates.push_back(ToJson(object));
  return json::Object{{"database", Name(refused.database)},  {"what", Name(refused.what)},
                      {"candidates", std::move(candidates)}, {"within_function", refused.within_function},
                      {"count", Number(refused.count)},      {"first", FormatTime(refused.first)},
                      {"last", FormatTime(refused.last)}};
}

json::Value ToJson(const AccountReport& account) {
  json::Array held, uses, refused, sessions;
  for (const Held& one : account.held) held.push_back(ToJson(one));
  for (const Use& one : account.uses) uses.push_back(ToJson(one));
  for (const Refused& one : account.refused) refused.push_back(ToJson(one));
  for (const auto& [database, one] : account.sessions)
    sessions.push_back(json::Object{{"database", Name(database)},
                                    {"count", Number(one.count)},
                                    {"with_use", Number(one.with_use)},
                                    {"most_a_day", Number(one.most_a_day)},
                                    {"longest", FormatDuration(one.longest)},
                                    {"first", FormatTime(one.first)},
                                    {"last", FormatTime(one.last)}});
  return json::Object{{"name", Name(account.name)},      {"superuser", account.superuser}, {"gone", account.gone},
                      {"sessions", std::move(sessions)}, {"held", std::move(held)},        {"used", std::move(uses)},
                      {"refused", std::move(refused)}};
}

json::Array ToJson(const std::vector<Finding>& findings) {
  json::Array array;
  for (const Finding& finding : findings) array.push_back(ToJson(finding));
  return array;
}

}  // namespace

json::Value ToJson(const Object& object) {
  json::Object o{{"kind", KindName(object.kind)}};
  if (!object.database.empty()) o.Set("database", Name(object.database));
  if (!object.schema.empty()) o.Set("schema", Name(object.schema));
  if (!object.name.empty()) o.Set("name", Name(object.name));
  if (!object.column.empty()) o.Set("column", Name(object.column));
  return o;
}

json::Value ToJson(const Holding& holding) {
  json::Array roles;
  for (const std::string& role : holding.path.roles) roles.push_back(Name(role));
  json::Object path{{"via", ViaName(holding.path.via)}, {"roles", std::move(roles)}};
  if (!holding.path.grantor.empty()) path.Set("grantor", Name(holding.path.grantor));
  path.Set("inherited", holding.path.inherited);
  return json::Object{
      {"object", ToJson(holding.object)}, {"privilege", holding.privilege}, {"grantable", holding.grantable}, {"path", std::move(path)}};
}

json::Value ToJson(const Finding& finding) {
  json::Object o{{"reason", finding.reason}};
  if (!finding.account.empty()) o.Set("account", Name(finding.account));
  o.Set("message", Name(finding.message));
  if (!finding.place.empty()) o.Set("place", Name(finding.place));
  o.Set("count", Number(finding.count));
  return o;
}

json::Value ToJson(const ScanReport& report) {
  json::Array accounts, everyone, databases;
  for (const AccountReport& account : report.accounts) accounts.push_back(ToJson(account));
  for (const Held& held : report.everyone) everyone.push_back(ToJson(held));
  for (const std::string& database : report.databases) databases.push_back(Name(database));
  json::Object log{{"records", Number(report.records)}};
  if (report.first) log.Set("first", FormatTime(*report.first));
  if (report.last) log.Set("last", FormatTime(*report.last));
  return json::Object{{"server_version", report.server_version}, {"databases", std::move(databases)}, {"log", std::move(log)},
                      {"accounts", std::move(accounts)},         {"everyone", std::move(everyone)},   {"findings", ToJson(report.findings)}};
}

json::Value ToJson(const Proposal& proposal, const ReplayReport& replay) {
  json::Array types, uses;
  for (std::size_t i = 0; i < proposal.types.size(); ++i) {
    const ProposedType& type = proposal.types[i];
    json::Array permissions;
    for (const ProposedPermission& one : type.permissions) permissions.push_back(ToJson(one));
    json::Object o{
        {"name", type.name},     {"type", type.entity_type},          {"account", Name(type.account)},        {"database", Name(type.database)},
        {"target", type.target}, {"life", FormatDuration(type.life)}, {"permissions", std::move(permissions)}};
    for (const ReplayedType& one : replay.types)
      if (one.name == type.name)
        o.Set("replay", json::Object{{"sessions_whole", Number(one.whole)},
                                     {"sessions_cut", Number(one.cut)},
                                     {"tasks", Number(one.tasks)},
                                     {"most_a_day", Number(one.most_a_day)}});
    types.push_back(std::move(o));
  }
  for (const ReplayedUse& one : replay.uses)
    uses.push_back(json::Object{{"account", Name(one.account)},
                                {"database", Name(one.database)},
                                {"privilege", one.privilege},
                                {"object", Name(one.object)},
                                {"verdict", VerdictName(one.verdict)},
                                {"count", Number(one.count)},
                                {"sessions", Number(one.sessions)}});
  json::Object counts;
  for (Verdict verdict : {Verdict::kAllowed, Verdict::kPublic, Verdict::kOthers, Verdict::kRefused, Verdict::kUnclear})
    counts.Set(VerdictName(verdict), Number(replay.Count(verdict)));
  return json::Object{{"types", std::move(types)},
                      {"replay", json::Object{{"lines", std::move(counts)}, {"uses", std::move(uses)}}},
                      {"findings", ToJson(proposal.findings)}};
}

}  // namespace remit::posture
