// One grant as the server keeps it: one privilege of one ACL entry, one membership, or one entry of default privileges. It is what
// `remit replace` takes away and gives back, so it is known by what does not change with a name: OIDs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"
#include "posture/holdings.h"

namespace remit::posture {

enum class GrantForm : std::uint8_t {
  kPrivilege,   // an entry of an object's ACL
  kMembership,  // in a role
  kDefault,     // an entry of pg_default_acl: what a role will give on objects that it has yet to make
};

// A role as the server knows it. OID "0" is PUBLIC; a role that was dropped has an OID and no name.
struct RoleRef {
  std::string oid = "0";
  std::string name;
  friend bool operator==(const RoleRef& a, const RoleRef& b) { return a.oid == b.oid; }
};
inline constexpr std::string_view kPublicRole = "0";
inline constexpr std::string_view kBootstrapRole = "10";  // the superuser of initdb: the root of all memberships from PostgreSQL 16 on

struct Grant {
  GrantForm form = GrantForm::kPrivilege;
  Object object;           // of a membership: kServer, named as the role; of a default: the schema, or the database, that it is for
  std::string key;         // the object's OID; a parameter's name; of a default "role/schema/type", by OIDs
  int column = 0;          // pg_attribute.attnum; of kColumn alone
  std::string owner;       // OID of the object's owner, who needs no grant option
  RoleRef grantee;         // who has it
  RoleRef grantor;         // who gave it; of a default the role whose objects they will be
  std::string privilege;   // as SQL has it; of a membership "MEMBER", from PostgreSQL 16 on with its options, "MEMBER INHERIT SET"
  bool grantable = false;  // WITH GRANT OPTION, WITH ADMIN OPTION
  std::string on;          // how SQL names the object now, quoted: `TABLE "public"."t"`; not kept, see read.h

  // The database whose transaction changes it; "" for what all databases share.
  const std::string& database() const { return object.database; }
  std::string ObjectId() const;  // the object, column and form; equal for all entries of one ACL
  std::string Id() const;        // all of it but names: equal where the server sees the same grant
  std::string Slot() const;      // Id without `grantable`: of two grants in one slot, one takes the other's place

  // "SELECT on table public.t granted by boss, with grant option". What others named is escaped.
  std::string ToString() const;
};

json::Value GrantToJson(const Grant& grant);
// Errors: `bad-plan-file`, and those of json::ObjectReader.
Result<Grant> GrantFromJson(const json::Value& value);

// "table" for ObjectKind::kTable and back. Errors: `bad-plan-file`.
Result<ObjectKind> KindFromName(std::string_view name);

// Whether PostgreSQL has a privilege of this name: what comes from a server or a file goes into SQL unquoted.
bool IsPrivilege(std::string_view name);

}  // namespace remit::posture
