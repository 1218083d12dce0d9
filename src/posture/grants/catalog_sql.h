// Inside this room only: the catalogs of one database as SQL that lists every object that can have an ACL, in one shape for all kinds.
#pragma once

#include <string>

namespace remit::posture {

// Of two statements at most one is ever asked per connection and shape, so that all can stay prepared.
struct CatalogShape {
  int version = 0;           // of the server, 150020
  bool shared = false;       // with what all databases share: databases, tablespaces, parameters
  bool all_columns = false;  // also those without an ACL of their own
};

// `WITH o AS (…)`: kind, key, oid, sub (column number, else 0), schema, name, extra (the column's name), owner, acl, class, temp (of some session's
// temporary schema), runs_as (owner of a SECURITY DEFINER function).
std::string ObjectsSql(const CatalogShape& shape);

// The statements below begin with what names an object: kind, key, sub, schema, name, extra (also a function's argument types, as JSON), those types
// for people, owner.

// Objects by arrays of kind, key and sub.
std::string FindSql(const CatalogShape& shape);

// Every ACL entry: the object, then grantee, grantor with their names, privilege, grantable.
std::string AclSql(const CatalogShape& shape);
std::string MembershipsSql(int version);

// Every entry of default privileges that differs from what PostgreSQL gives without any. One that was taken from the defaults comes as
// privilege "NO …".
std::string DefaultsSql();

// What role $1 may do, asked of the server by has_*_privilege for every object and privilege: the object, the
// privilege, whether PUBLIC may as well, whether it is the owner (or a database's, and so of pg_database_owner), runs_as. What a fresh database gives
// to PUBLIC on PostgreSQL's own objects is left out.
std::string RightsSql(const CatalogShape& shape);

}  // namespace remit::posture
