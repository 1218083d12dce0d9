#include "posture/replace/check.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::posture {
namespace {

constexpr std::size_t kShown = 5;  // differences in one message; the rest is counted

std::map<std::string, const Grant*> ById(const std::vector<Grant>& grants) {
  std::map<std::string, const Grant*> all;
  for (const Grant& grant : grants) all.emplace(grant.Id(), &grant);
  return all;
}

bool SameThing(const Grant& grant, const Right& right) {
  if (right.privilege == "MEMBER") return grant.form == GrantForm::kMembership && grant.key == right.key;
  if (grant.form != GrantForm::kPrivilege || grant.key != right.key || grant.privilege != right.privilege) return false;
  if (grant.object.kind == right.object.kind) return grant.column == right.column;
  return right.object.kind == ObjectKind::kColumn && grant.column == 0;
}

// "SELECT on table public.t …: SELECT on … to `readers` by `boss`, whose member it is".
std::string PathOf(const Right& right, const std::vector<Grant>& grants, const RoleGraph& roles, const std::string& account) {
  for (const Grant& grant : grants) {
    if (!SameThing(grant, right) || !roles.HasRightsOf(account, grant.grantee.oid)) continue;
    const bool own = grant.grantee.oid == account;
    return fmt::format("{}: {}{}", DescribeRight(right), grant.ToString(), own ? "" : ", whose rights the account has");
  }
  return DescribeRight(right);
}

}  // namespace

std::string Some(const std::vector<std::string>& lines) {
  if (lines.size() <= kShown) return Join(lines, "; ");
  return fmt::format("{}; and {} more", Join({lines.begin(), lines.begin() + kShown}, "; "), lines.size() - kShown);
}

std::vector<std::string> CompareGrants(const std::vector<Grant>& before, const std::vector<Grant>& gone, const std::vector<Grant>& come,
                                       const std::vector<Grant>& after) {
  auto expected = ById(before);
  for (const Grant& grant : gone) expected.erase(grant.Id());
  for (const Grant& grant : come) expected.emplace(grant.Id(), &grant);
  const auto there = ById(after);
  std::vector<std::string> lines;
  for (const auto& [id, grant] : there)
    if (!expected.contains(id)) lines.push_back("there, against the plan: " + grant->ToString());
  for (const auto& [id, grant] : expected)
    if (!there.contains(id)) lines.push_back("gone, against the plan: " + grant->ToString());
  return lines;
}

Status CheckStaying(pg::Connection& connection, const std::string& database, Reading reading, const ReplacePlan& plan) {
  REMIT_ASSIGN(const Staying staying, ReadStaying(connection, database, reading, plan.account.oid));
  std::vector<std::string> more;
  if (!staying.unexplained.empty()) {
    REMIT_ASSIGN(const std::vector<Grant> grants, ReadGrants(connection, database, Reading::kDatabaseAndShared));
    REMIT_ASSIGN(const RoleGraph roles, ReadRoleGraph(connection));
    const auto kept = [&](const Right& right) { return std::ranges::any_of(plan.kept, [&](const Kept& k) { return SameThing(k.grant, right); }); };
    for (const Right& right : staying.unexplained)
      if (!kept(right)) more.push_back(PathOf(right, grants, roles, plan.account.oid));
  }
  std::set<std::string> planned;
  for (const Left& left : plan.left) planned.insert(left.ToString());
  for (const Left& left : staying.left) {
    // PUBLIC's right on a column shows only once the account has none on the whole table; it was there before.
    const bool column_of_public = left.via == Via::kPublic && left.what.starts_with("column ");
    if (!column_of_public && !planned.contains(left.ToString())) more.push_back(left.ToString());
  }
  if (more.empty()) return {};
  return Fail(Code::kFailedPrecondition, "more-left-than-planned",
              fmt::format("in database `{}` the account could still do more than the plan says: {}", EscapeControl(database), Some(more)));
}

}  // namespace remit::posture
