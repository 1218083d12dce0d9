// What a PostgreSQL server says of its roles, memberships, objects and ACLs, as it stands; and from it, what an account holds and by which
// paths. Pure: postgres_holdings.h fills it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "posture/holdings.h"

namespace remit::posture {

inline constexpr std::uint32_t kPublicOid = 0;

struct Role {
  std::uint32_t oid = 0;
  std::string name;
  bool superuser = false, inherit = true, create_role = false, create_db = false, login = false, replication = false, bypass_rls = false;
};

// `member` is a member of `role`.
struct Membership {
  std::uint32_t role = 0, member = 0, grantor = 0;
  bool inherit = true;  // it has the role's privileges without SET ROLE
  bool set = true;      // it may SET ROLE to it
};

struct OwnedObject {
  Object object;
  std::string plain_name;  // of a function, without its arguments; of others their name
  std::uint32_t owner = 0;
};

// One privilege in one ACL.
struct AclEntry {
  std::uint32_t object = 0;  // index in `objects`
  std::string column;        // an entry of one column's ACL
  std::uint32_t grantee = 0, grantor = 0;
  std::string privilege;
  bool grantable = false;
  bool by_default = false;  // the object has no ACL: this is what PostgreSQL gives by itself
};

// ALTER DEFAULT PRIVILEGES.
struct FutureGrant {
  std::string database, schema;  // "" for every schema
  std::string privilege;         // "SELECT ON TABLES"
  std::uint32_t grantee = 0, grantor = 0;
  bool grantable = false;
};

// A column of a table that takes its default from a sequence: an INSERT that leaves it out draws on that, too.
struct DrawnDefault {
  Object table;
  std::string column;
  Object sequence;   // without a name where the default finds it by a text, so that the server does not know which it is
  bool own = false;  // the column owns it, as a serial one does
};

struct RoleSetting {
  std::string database, role;  // "" for all
  std::string name, value;
};

struct Inventory {
  int server_version = 0;  // 150020
  std::vector<Role> roles;
  std::vector<Membership> memberships;
  std::vector<OwnedObject> objects;  // databases among them
  std::vector<AclEntry> acl;
  std::vector<FutureGrant> future;
  std::vector<DrawnDefault> drawn;
  std::map<std::string, std::string> settings;  // pgaudit.* and what says how the server logs
  std::vector<RoleSetting> role_settings;       // pgaudit.* of databases and roles
  std::vector<Finding> findings;                // `unread-database`

  const Role* FindRole(std::string_view name) const;
  const Role* FindRole(std::uint32_t oid) const;
  std::string NameOf(std::uint32_t oid) const;  // "PUBLIC" for 0; "oid 123" where there is no such role
};

// Every privilege that the account holds, by every role that it reaches (one path to each: without SET ROLE where there is one), sorted. A
// superuser holds SUPERUSER on the server and nothing else, since nothing else is asked. Ownership is a privilege `OWN` of its own, beside those
// that the ACL gives to the owner. Not listed: what PostgreSQL gives to PUBLIC in its own schemas, and on types.
std::vector<Holding> HoldingsOf(const Inventory& inventory, std::string_view account);

// Finds the objects that a name means, without walking all of them. The inventory must outlive it.
class ObjectIndex {
 public:
  explicit ObjectIndex(const Inventory& inventory);

  // Sorted. An empty `schema` means any. A name of functions, which is without arguments here, may mean several.
  std::vector<Object> Find(std::string_view database, std::string_view schema, std::string_view plain_name,
                           const std::vector<ObjectKind>& kinds) const;

 private:
  const Inventory& inventory_;
  std::unordered_multimap<std::string, std::uint32_t> by_name_;
};

// What pgaudit was told to write down of an account in a database, as the settings stand now.
struct AuditCoverage {
  bool loaded = false;  // the server knows pgaudit's settings
  bool reads = false, writes = false;
  bool relations = false;  // pgaudit.log_relation
};
AuditCoverage CoverageOf(const Inventory& inventory, std::string_view account, std::string_view database);

}  // namespace remit::posture
