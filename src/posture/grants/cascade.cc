#include "posture/grants/cascade.h"

#include <algorithm>

namespace remit::posture {
namespace {

// Of a membership the options differ, and the right to pass it on is one.
bool SamePrivilege(const Grant& a, const Grant& b) { return a.form == GrantForm::kMembership || a.privilege == b.privilege; }

bool NeedsNoOption(const Grant& grant) { return grant.grantor.oid == grant.owner || grant.form == GrantForm::kDefault; }

}  // namespace

bool RoleGraph::HasRightsOf(const std::string& member, const std::string& role) const {
  if (member == role || IsSuperuser(member)) return true;
  std::set<std::string> seen{member};
  std::vector<std::string> queue{member};
  while (!queue.empty()) {
    const auto found = roles_of_.find(queue.back());
    queue.pop_back();
    if (found == roles_of_.end()) continue;
    for (const std::string& next : found->second) {
      if (next == role) return true;
      if (seen.insert(next).second) queue.push_back(next);
    }
  }
  return false;
}

bool Acl::Holds(const Grant& grant) const {
  return std::ranges::any_of(grants_, [&](const Grant& g) { return g.Id() == grant.Id(); });
}

bool Acl::HasOption(const std::string& role, const std::string& privilege) const {
  return std::ranges::any_of(grants_, [&](const Grant& g) {
    return g.grantable && g.grantee.oid == role && (g.form == GrantForm::kMembership || g.privilege == privilege);
  });
}

// After the entry `lost` went from `role`. In an ACL the option may also come by a role that it is a member of; of memberships only an
// entry for itself counts (user.c, plan_recursive_revoke).
bool Acl::StillHasOption(const RoleRef& role, const Grant& lost, const RoleGraph& roles) const {
  if (role.oid == lost.owner || HasOption(role.oid, lost.privilege)) return true;
  if (lost.form == GrantForm::kMembership) return false;
  if (roles.HasRightsOf(role.oid, lost.owner)) return true;
  return std::ranges::any_of(grants_, [&](const Grant& g) {
    return g.grantable && g.privilege == lost.privilege && g.grantee.oid != kPublicRole && roles.HasRightsOf(role.oid, g.grantee.oid);
  });
}

std::vector<Grant> Acl::Revoke(const Grant& grant, const RoleGraph& roles) {
  const auto found = std::ranges::find_if(grants_, [&](const Grant& g) { return g.Slot() == grant.Slot(); });
  if (found == grants_.end()) return {};
  std::vector<Grant> gone{*found};
  grants_.erase(found);
  if (!cascades_ || !gone[0].grantable || StillHasOption(gone[0].grantee, gone[0], roles)) return gone;
  for (;;) {
    const auto next =
        std::ranges::find_if(grants_, [&](const Grant& g) { return g.grantor.oid == gone[0].grantee.oid && SamePrivilege(g, gone[0]); });
    if (next == grants_.end()) return gone;
    const std::vector<Grant> more = Revoke(Grant(*next), roles);
    gone.insert(gone.end(), more.begin(), more.end());
  }
}

Acls::Acls(const std::vector<Grant>& grants, int server_version) : version_(server_version) {
  for (const Grant& grant : grants) Of(grant).Add(grant);
}

Acl& Acls::Of(const Grant& grant) {
  const bool cascades = grant.form == GrantForm::kPrivilege || (grant.form == GrantForm::kMembership && version_ >= 160000);
  return acls_.try_emplace(grant.ObjectId(), cascades).first->second;
}

bool Acls::GrantorCanAct(const Grant& grant, const RoleGraph& roles) {
  if (NeedsNoOption(grant) || (grant.form == GrantForm::kMembership && version_ < 160000)) return true;
  if (grant.form == GrantForm::kPrivilege && roles.IsSuperuser(grant.grantor.oid)) return false;
  if (Of(grant).HasOption(grant.grantor.oid, grant.privilege)) return true;
  if (grant.object.kind != ObjectKind::kColumn) return false;
  for (const ObjectKind kind : {ObjectKind::kTable, ObjectKind::kView, ObjectKind::kForeignTable}) {
    Grant table = grant;
    table.object.kind = kind;
    table.column = 0;
    if (Of(table).HasOption(grant.grantor.oid, grant.privilege)) return true;
  }
  return false;
}

}  // namespace remit::posture
