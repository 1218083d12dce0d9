// What PostgreSQL does with an ACL when one entry goes: which others fall with it, and who can take it away at all. Pure: the rules of
// the server's acl.c, so that a plan can name every entry that will be gone, and the server can then be held to it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "posture/grants/item.h"

namespace remit::posture {

// Who has whose rights: memberships that are inherited, superusers, and the owner of the database, who is in pg_database_owner.
class RoleGraph {
 public:
  void AddMembership(const std::string& member, const std::string& role) { roles_of_[member].insert(role); }
  void AddSuperuser(const std::string& role) { superusers_.insert(role); }

  bool IsSuperuser(const std::string& role) const { return superusers_.contains(role); }
  bool HasRightsOf(const std::string& member, const std::string& role) const;

 private:
  std::map<std::string, std::set<std::string>> roles_of_;
  std::set<std::string> superusers_;
};

// The ACL of one object (one column; the memberships in one role), or of a table whose columns' ACLs are kept elsewhere.
class Acl {
 public:
  // `cascades`: false for what has no grant options that anything hangs on: default privileges, and memberships before PostgreSQL 16.
  explicit Acl(bool cascades = true) : cascades_(cascades) {}
  void Add(const Grant& grant) { grants_.push_back(grant); }

  // Takes the entry away as REVOKE … CASCADE by its grantor does. Gives back every entry that is gone, that one first; none where it
  // was not there.
  std::vector<Grant> Revoke(const Grant& grant, const RoleGraph& roles);

  bool Holds(const Grant& grant) const;

  // Whether the role has the grant option for exactly this privilege by an entry for itself.
  bool HasOption(const std::string& role, const std::string& privilege) const;

  const std::vector<Grant>& grants() const { return grants_; }

 private:
  bool StillHasOption(const RoleRef& role, const Grant& lost, const RoleGraph& roles) const;

  std::vector<Grant> grants_;
  bool cascades_;
};

// All ACLs of one database and of what is shared.
class Acls {
 public:
  Acls(const std::vector<Grant>& grants, int server_version);
  Acl& Of(const Grant& grant);

  // Whether the grantor of the entry, acting now, is taken by the server as its grantor (select_best_grantor in aclchk.c). An owner is;
  // a superuser who is not the owner acts as the owner; another must have the grant option himself, on a column also by the table's.
  bool GrantorCanAct(const Grant& grant, const RoleGraph& roles);

 private:
  const int version_;
  std::map<std::string, Acl> acls_;
};

}  // namespace remit::posture
