#include "posture/replace/plan.h"

#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "crypto/hash.h"
#include "json/object_reader.h"
#include "json/write.h"

namespace remit::posture {
namespace {

constexpr std::string_view kBadPlanFile = "bad-plan-file";

json::Value RoleToJson(const RoleRef& role) { return json::Object{{"oid", role.oid}, {"name", role.name}}; }

Result<RoleRef> ReadRole(const json::Value& value) {
  json::ObjectReader r(value, "role");
  RoleRef role{r.RequiredString("oid"), r.RequiredString("name")};
  REMIT_TRY(r.Finish());
  return role;
}

json::Value LeftToJson(const Left& left) {
  return json::Object{{"via", ViaName(left.via)}, {"database", left.database},   {"id", left.id},
                      {"what", left.what},        {"privilege", left.privilege}, {"note", left.note}};
}

Result<Left> ReadLeft(const json::Value& value) {
  json::ObjectReader r(value, "left");
  Left left;
  const std::string via = r.RequiredString("via");
  left.database = r.RequiredString("database");
  left.id = r.RequiredString("id");
  left.what = r.RequiredString("what");
  left.privilege = r.RequiredString("privilege");
  left.note = r.RequiredString("note");
  REMIT_TRY(r.Finish());
  for (const Via one : {Via::kPublic, Via::kOwner, Via::kSuperuser, Via::kAttribute, Via::kGrant})
    if (ViaName(one) == via) return left.via = one, left;
  return Fail(Code::kCorrupt, kBadPlanFile, fmt::format("there is no path `{}`", EscapeControl(via)));
}

Result<Kept> ReadKept(const json::Value& value) {
  json::ObjectReader r(value, "kept");
  Kept kept;
  const json::Value& grant = r.RequiredValue("grant");
  kept.reason = r.RequiredString("reason");
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(kept.grant, GrantFromJson(grant));
  return kept;
}

template <class T, class Write>
json::Array ToArray(const std::vector<T>& all, Write write) {
  json::Array array;
  for (const T& one : all) array.push_back(write(one));
  return array;
}

template <class T, class Read>
Status FromArray(const json::Array& array, std::vector<T>& into, Read read) {
  for (const json::Value& value : array) {
    REMIT_ASSIGN(T one, read(value));
    into.push_back(std::move(one));
  }
  return {};
}

}  // namespace

std::string Left::ToString() const {
  const std::string at = database.empty() ? "" : fmt::format(" in database `{}`", EscapeControl(database));
  const std::string behind = note.empty() ? "" : fmt::format(" ({})", EscapeControl(note));
  return fmt::format("{} on {}{} by {}{}", privilege, EscapeControl(what), at, ViaName(via), behind);
}

json::Value PlanToJson(const ReplacePlan& plan) {
  return json::Object{
      {"account", RoleToJson(plan.account)},
      {"system", plan.system},
      {"server_version", plan.version},
      {"databases", ToArray(plan.databases, RoleToJson)},
      {"superuser", plan.superuser},
      {"members", ToArray(plan.members, RoleToJson)},
      {"removed", ToArray(plan.removed, GrantToJson)},
      {"cascades", ToArray(plan.cascades, GrantToJson)},
      {"kept", ToArray(plan.kept, [](const Kept& k) -> json::Value { return json::Object{{"grant", GrantToJson(k.grant)}, {"reason", k.reason}}; })},
      {"left", ToArray(plan.left, LeftToJson)}};
}

Result<ReplacePlan> PlanFromJson(const json::Value& value) {
  json::ObjectReader r(value, "plan");
  ReplacePlan plan;
  const json::Value& account = r.RequiredValue("account");
  plan.system = r.RequiredString("system");
  plan.version = static_cast<int>(r.RequiredInt("server_version"));
  const json::Array& databases = r.RequiredArray("databases");
  plan.superuser = r.RequiredBool("superuser");
  const json::Array& members = r.RequiredArray("members");
  const json::Array& removed = r.RequiredArray("removed");
  const json::Array& cascades = r.RequiredArray("cascades");
  const json::Array& kept = r.RequiredArray("kept");
  const json::Array& left = r.RequiredArray("left");
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(plan.account, ReadRole(account));
  REMIT_TRY(FromArray(databases, plan.databases, ReadRole));
  REMIT_TRY(FromArray(members, plan.members, ReadRole));
  REMIT_TRY(FromArray(removed, plan.removed, GrantFromJson));
  REMIT_TRY(FromArray(cascades, plan.cascades, GrantFromJson));
  REMIT_TRY(FromArray(kept, plan.kept, ReadKept));
  REMIT_TRY(FromArray(left, plan.left, ReadLeft));
  return plan;
}

std::string PlanHash(const ReplacePlan& plan) { return HexEncode(crypto::Sha256(json::Canonical(PlanToJson(plan)))); }

namespace {

// Lines by identity, so that two plans can be laid beside each other.
using Lines = std::map<std::string, std::string>;

void Compare(const Lines& planned, const Lines& now, bool may_be_gone, std::string_view what, std::vector<std::string>& out) {
  for (const auto& [id, line] : now) {
    const auto found = planned.find(id);
    if (found == planned.end()) out.push_back(fmt::format("{}, not in the plan: {}", what, line));
    if (found != planned.end() && found->second != line)
      out.push_back(fmt::format("{} has changed: {}; the plan has: {}", what, line, found->second));
  }
  if (may_be_gone) return;
  for (const auto& [id, line] : planned)
    if (!now.contains(id)) out.push_back(fmt::format("{}, not there any more: {}", what, line));
}

Lines LinesOf(const std::vector<Grant>& grants) {
  Lines lines;
  for (const Grant& grant : grants) lines.emplace(grant.Id() + "\n" + grant.owner, grant.ToString());
  return lines;
}

Lines LinesOf(const std::vector<Left>& left) {
  Lines lines;
  for (const Left& one : left)
    lines.emplace(one.database + "\n" + one.id + "\n" + one.privilege + "\n" + std::string(ViaName(one.via)), one.ToString());
  return lines;
}

Lines LinesOf(const std::vector<Kept>& kept) {
  Lines lines;
  for (const Kept& one : kept) lines.emplace(one.grant.Id(), one.grant.ToString() + ": " + one.reason);
  return lines;
}

Lines LinesOf(const std::vector<RoleRef>& roles) {
  Lines lines;
  for (const RoleRef& one : roles) lines.emplace(one.oid, fmt::format("`{}`", EscapeControl(one.name)));
  return lines;
}

}  // namespace

std::vector<std::string> Differences(const ReplacePlan& planned, const ReplacePlan& now, bool begun) {
  std::vector<std::string> out;
  if (planned.system != now.system) return {fmt::format("another cluster answers: {}, not {}", now.system, planned.system)};
  if (planned.account.oid != now.account.oid)
    return {fmt::format("role `{}` is another one: OID {}, not {}", EscapeControl(now.account.name), now.account.oid, planned.account.oid)};
  if (planned.account.name != now.account.name)
    out.push_back(fmt::format("role `{}` is named `{}` now", EscapeControl(planned.account.name), EscapeControl(now.account.name)));
  if (planned.superuser != now.superuser) out.push_back(now.superuser ? "the account is a superuser now" : "the account is no superuser any more");
  Compare(LinesOf(planned.databases), LinesOf(now.databases), false, "a database", out);
  Compare(LinesOf(planned.members), LinesOf(now.members), false, "a member of the account", out);
  Compare(LinesOf(planned.removed), LinesOf(now.removed), begun, "a grant", out);
  Compare(LinesOf(planned.cascades), LinesOf(now.cascades), begun, "a grant that would fall", out);
  Compare(LinesOf(planned.kept), LinesOf(now.kept), begun, "a grant that stays", out);
  Compare(LinesOf(planned.left), LinesOf(now.left), begun, "what stays", out);
  if (out.empty() && !begun && PlanHash(planned) != PlanHash(now)) out.push_back("the plan is not the same; plan again");
  return out;
}

}  // namespace remit::posture
