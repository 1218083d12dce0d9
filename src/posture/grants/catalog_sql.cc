// PostgreSQL 14 to 18, "System Catalogs" and 9.26.2 (access privilege inquiry functions).
#include "posture/grants/catalog_sql.h"

#include <string_view>

#include <fmt/format.h>

namespace remit::posture {
namespace {

// {0}: which columns.
constexpr std::string_view kLocalObjects = R"(
  SELECT 'schema' AS kind, n.oid::text AS key, n.oid, 0 AS sub, '' AS schema, n.nspname::text AS name, '' AS extra,
         n.nspowner AS owner, n.nspacl AS acl, 'pg_namespace'::regclass::oid AS class, n.nspname ~ '^pg_(toast_)?temp_' AS temp, '' AS runs_as
    FROM pg_namespace n
  UNION ALL
  SELECT CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'f' THEN 'foreign table' ELSE 'table' END,
         c.oid::text, c.oid, 0, n.nspname, c.relname, '', c.relowner, c.relacl, 'pg_class'::regclass, c.relpersistence = 't', ''
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
  SELECT 'column', c.oid::text, c.oid, a.attnum, n.nspname, c.relname, a.attname, c.relowner, a.attacl, 'pg_class'::regclass,
         c.relpersistence = 't', ''
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT a.attisdropped AND {0}
  UNION ALL
  SELECT 'function', p.oid::text, p.oid, 0, n.nspname, p.proname, '', p.proowner, p.proacl, 'pg_proc'::regclass, n.nspname ~ '^pg_(toast_)?temp_',
         CASE WHEN p.prosecdef THEN pg_get_userbyid(p.proowner)::text ELSE '' END
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  UNION ALL
  SELECT 'type', t.oid::text, t.oid, 0, n.nspname, t.typname, '', t.typowner, t.typacl, 'pg_type'::regclass, n.nspname ~ '^pg_(toast_)?temp_', ''
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typacl IS NOT NULL OR t.typtype IN ('b', 'd', 'e', 'r') AND t.typcategory <> 'A' OR t.typtype = 'c' AND c.relkind = 'c'
  UNION ALL
  SELECT 'language', l.oid::text, l.oid, 0, '', l.lanname, '', l.lanowner, l.lanacl, 'pg_language'::regclass, false, ''
    FROM pg_language l WHERE l.lanpltrusted OR l.lanacl IS NOT NULL
  UNION ALL
  SELECT 'foreign-data wrapper', f.oid::text, f.oid, 0, '', f.fdwname, '', f.fdwowner, f.fdwacl, 'pg_foreign_data_wrapper'::regclass, false, ''
    FROM pg_foreign_data_wrapper f
  UNION ALL
  SELECT 'foreign server', s.oid::text, s.oid, 0, '', s.srvname, '', s.srvowner, s.srvacl, 'pg_foreign_server'::regclass, false, ''
    FROM pg_foreign_server s
  UNION ALL
  SELECT 'large object', l.oid::text, l.oid, 0, '', l.oid::text, '', l.lomowner, l.lomacl, 'pg_largeobject_metadata'::regclass, false, ''
    FROM pg_largeobject_metadata l)";

constexpr std::string_view kSharedObjects = R"(
  UNION ALL
  SELECT 'database', d.oid::text, d.oid, 0, '', d.datname, '', d.datdba, d.datacl, 'pg_database'::regclass, false, '' FROM pg_database d
  UNION ALL
  SELECT 'tablespace', t.oid::text, t.oid, 0, '', t.spcname, '', t.spcowner, t.spcacl, 'pg_tablespace'::regclass, false, '' FROM pg_tablespace t)";

// Its row goes with its last entry, and its OID with it: a parameter is known by its name.
constexpr std::string_view kParameters = R"(
  UNION ALL
  SELECT 'parameter', p.parname, p.oid, 0, '', p.parname, '', 10, p.paracl, 'pg_parameter_acl'::regclass, false, '' FROM pg_parameter_acl p)";

// The argument types of a function, as JSON and for people, are looked up for those rows alone that come out in the end.
std::string NamesSql(std::string_view row) {
  return fmt::format(
      "{0}.kind, {0}.key, {0}.sub, {0}.schema, {0}.name, CASE {0}.kind WHEN 'function' THEN (SELECT coalesce(json_agg(json_build_array(tn.nspname, "
      "t.typname) "
      "ORDER BY u.at), '[]')::text FROM pg_proc f, unnest(f.proargtypes::oid[]) WITH ORDINALITY u(type, at) JOIN pg_type t ON t.oid = u.type "
      "JOIN pg_namespace tn ON tn.oid = t.typnamespace WHERE f.oid = {0}.oid) ELSE {0}.extra END, "
      "CASE {0}.kind WHEN 'function' THEN (SELECT coalesce(string_agg(format_type(u.type, NULL), ', ' ORDER BY u.at), '') FROM pg_proc f, "
      "unnest(f.proargtypes::oid[]) WITH ORDINALITY u(type, at) WHERE f.oid = {0}.oid) ELSE '' END, {0}.owner",
      row);
}

// What may be done with each kind, as has_*_privilege and aclexplode name it.
std::string PrivilegesSql(int version) {
  std::string rows =
      "('schema','CREATE'),('schema','USAGE'),('column','SELECT'),('column','INSERT'),('column','UPDATE'),('column','REFERENCES'),"
      "('sequence','USAGE'),('sequence','SELECT'),('sequence','UPDATE'),('function','EXECUTE'),('type','USAGE'),('language','USAGE'),"
      "('foreign-data wrapper','USAGE'),('foreign server','USAGE'),('large object','SELECT'),('large object','UPDATE'),"
      "('database','CREATE'),('database','CONNECT'),('database','TEMPORARY'),('tablespace','CREATE'),('parameter','SET'),"
      "('parameter','ALTER SYSTEM')";
  for (const char* kind : {"table", "view", "foreign table"}) {
    for (const char* privilege : {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"})
      rows += fmt::format(",('{}','{}')", kind, privilege);
    if (version >= 170000) rows += fmt::format(",('{}','MAINTAIN')", kind);
  }
  return "p(kind, privilege) AS (VALUES " + rows + ")";
}

// Whether `role`, an expression of type oid, may. PUBLIC is OID 0, for which these functions look at PUBLIC's entries alone.
std::string HasSql(std::string_view role, const CatalogShape& shape) {
  const bool is_public = role == "0::oid";
  const std::string large_object = fmt::format(
      "EXISTS (SELECT FROM aclexplode(coalesce(o.acl, acldefault('L', o.owner))) a WHERE a.privilege_type = p.privilege AND (a.grantee = 0 {}))",
      is_public ? "" : fmt::format("OR pg_has_role({}, a.grantee, 'USAGE')", role));
  std::string sql = fmt::format(
      "CASE o.kind WHEN 'schema' THEN has_schema_privilege({0}, o.oid, p.privilege) WHEN 'sequence' THEN has_sequence_privilege({0}, o.oid, "
      "p.privilege) "
      "WHEN 'column' THEN has_column_privilege({0}, o.oid, o.sub::int2, p.privilege) WHEN 'function' THEN has_function_privilege({0}, o.oid, "
      "p.privilege) "
      "WHEN 'type' THEN has_type_privilege({0}, o.oid, p.privilege) WHEN 'language' THEN has_language_privilege({0}, o.oid, p.privilege) "
      "WHEN 'foreign-data wrapper' THEN has_foreign_data_wrapper_privilege({0}, o.oid, p.privilege) "
      "WHEN 'foreign server' THEN has_server_privilege({0}, o.oid, p.privilege) WHEN 'large object' THEN {1} "
      "WHEN 'database' THEN has_database_privilege({0}, o.oid, p.privilege) WHEN 'tablespace' THEN has_tablespace_privilege({0}, o.oid, "
      "p.privilege) ",
      role, large_object);
  if (shape.version >= 150000) sql += fmt::format("WHEN 'parameter' THEN has_parameter_privilege({}, o.name, p.privilege) ", role);
  return sql + fmt::format("ELSE has_table_privilege({}, o.oid, p.privilege) END", role);
}

}  // namespace

std::string ObjectsSql(const CatalogShape& shape) {
  // A column's right differs from its table's only where it has an ACL of its own.
  const std::string local = fmt::format(fmt::runtime(kLocalObjects), shape.all_columns ? "a.attnum > 0" : "a.attacl IS NOT NULL");
  return fmt::format("WITH o AS ({}{}{})", local, shape.shared ? kSharedObjects : "", shape.shared && shape.version >= 150000 ? kParameters : "");
}

std::string AclSql(const CatalogShape& shape) {
  return ObjectsSql(shape) + " SELECT " + NamesSql("o") +
         ", a.grantee, ge.rolname, a.grantor, gr.rolname, "
         "a.privilege_type, a.is_grantable FROM o, aclexplode(o.acl) a LEFT JOIN pg_roles ge ON ge.oid = a.grantee "
         "LEFT JOIN pg_roles gr ON gr.oid = a.grantor WHERE o.acl IS NOT NULL ORDER BY 1, 2, 3, 9, 11, 13";
}

std::string FindSql(const CatalogShape& shape) {
  return ObjectsSql(shape) + " SELECT " + NamesSql("o") +
         " FROM o JOIN unnest($1::text[], $2::text[], $3::int[]) w(kind, key, sub) ON w.kind = o.kind AND w.key = o.key AND w.sub = o.sub";
}

std::string MembershipsSql(int version) {
  return fmt::format(
      "SELECT m.roleid, r.rolname, m.member, mm.rolname, m.grantor, g.rolname, {}, m.admin_option FROM pg_auth_members m "
      "JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles mm ON mm.oid = m.member LEFT JOIN pg_roles g ON g.oid = m.grantor ORDER BY 1, 3, 5",
      version < 160000 ? "'MEMBER'"
                       : "'MEMBER' || CASE WHEN m.inherit_option THEN ' INHERIT' ELSE '' END || CASE WHEN m.set_option THEN ' SET' ELSE '' END");
}

std::string DefaultsSql() {
  return R"(
    WITH d AS (SELECT x.*, CASE x.defaclobjtype WHEN 'S' THEN 's' ELSE x.defaclobjtype END AS type FROM pg_default_acl x),
         kept AS (SELECT d.oid, a.grantee, a.grantor, a.privilege_type, a.is_grantable FROM d, aclexplode(d.defaclacl) a),
         built_in AS (SELECT d.oid, a.grantee, a.grantor, a.privilege_type, a.is_grantable
                        FROM d, aclexplode(acldefault(d.type, d.defaclrole)) a WHERE d.defaclnamespace = 0),
         entries AS (SELECT e.*, false AS missing FROM (SELECT * FROM kept EXCEPT SELECT * FROM built_in) e
                     UNION ALL SELECT e.*, true FROM (SELECT * FROM built_in EXCEPT SELECT * FROM kept) e)
    SELECT d.defaclrole, r.rolname, d.defaclnamespace, coalesce(n.nspname, ''), d.defaclobjtype, e.grantee, g.rolname,
           CASE WHEN e.missing THEN 'NO ' ELSE '' END || e.privilege_type, e.is_grantable
      FROM d JOIN entries e ON e.oid = d.oid JOIN pg_roles r ON r.oid = d.defaclrole LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
      LEFT JOIN pg_roles g ON g.oid = e.grantee ORDER BY 1, 3, 5, 6, 8)";
}

std::string RightsSql(const CatalogShape& shape) {
  // The owner of a database is a member of pg_database_owner there, which no REVOKE ends.
  return ObjectsSql(shape) + ", " + PrivilegesSql(shape.version) +
         ", b AS (SELECT r.oid FROM pg_roles r JOIN pg_database d ON d.datname = current_database() AND d.datdba = $1::oid "
         "WHERE r.rolname = 'pg_database_owner'), h AS MATERIALIZED (SELECT o.*, p.privilege FROM o JOIN p ON p.kind = o.kind WHERE NOT o.temp AND " +
         HasSql("$1::oid", shape) + "), x AS (SELECT o.*, " + HasSql("0::oid", shape) + " AS by_public, o.owner = $1::oid OR coalesce((SELECT " +
         HasSql("b.oid", shape) +
         " FROM b), false) AS by_owner FROM h o CROSS JOIN LATERAL (SELECT o.privilege) p) "
         "SELECT " +
         NamesSql("x") +
         ", x.privilege, x.by_public, x.by_owner, x.runs_as FROM x "
         "WHERE NOT (x.kind = 'column' AND has_table_privilege($1::oid, x.oid, x.privilege)) "
         "AND NOT (x.by_public AND x.oid < 16384 AND x.kind NOT IN ('database', 'tablespace', 'parameter') AND (x.acl IS NULL OR x.privilege IN "
         "('SELECT', 'USAGE') AND 'information_schema' IN (x.schema, x.name) OR EXISTS "
         "(SELECT FROM pg_init_privs i WHERE i.objoid = x.oid AND i.classoid = x.class AND i.objsubid = x.sub AND i.initprivs = x.acl))) "
         "ORDER BY 1, 2, 3, 9";
}

}  // namespace remit::posture
