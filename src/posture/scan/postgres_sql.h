// Inside this room only: what is asked of PostgreSQL's catalogs. All names are qualified by `search_path`, which the session sets to pg_catalog:
// nobody's function stands in for one of these.
#pragma once

#include <string_view>

namespace remit::posture {

inline constexpr std::string_view kRolesSql =
    "SELECT oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls FROM pg_roles";

// From 16 on a membership says itself whether it inherits; before, the member does. Rows: role, member, grantor, inherit, set.
inline constexpr std::string_view kMembersSql =
    "SELECT m.roleid, m.member, m.grantor, r.rolinherit, true FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member";
inline constexpr std::string_view kMembers16Sql = "SELECT roleid, member, grantor, inherit_option, set_option FROM pg_auth_members";

inline constexpr std::string_view kSettingsSql =
    "SELECT name, setting FROM pg_settings WHERE name LIKE 'pgaudit.%' OR name IN ('log_destination', 'logging_collector', 'log_directory', "
    "'log_timezone', 'log_disconnections', 'log_min_error_statement', 'lc_messages')";
inline constexpr std::string_view kRoleSettingsSql =
    "SELECT coalesce(d.datname, ''), coalesce(r.rolname, ''), split_part(c, '=', 1), substr(c, strpos(c, '=') + 1) "
    "FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c "
    "WHERE c LIKE 'pgaudit.%'";

// Databases that can be read: no templates.
inline constexpr std::string_view kDatabasesSql = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname";

// Objects: class, oid, kind, schema, name, plain name, owner. Of PostgreSQL's own schemas only what somebody granted to a role by hand.
inline constexpr std::string_view kServerObjectsSql =
    "SELECT 'pg_database'::regclass::oid, oid, 'd', '', datname, datname, datdba FROM pg_database "
    "UNION ALL SELECT 'pg_tablespace'::regclass::oid, oid, 'b', '', spcname, spcname, spcowner FROM pg_tablespace";
inline constexpr std::string_view kServerAclSql =
    "SELECT 'pg_database'::regclass::oid, d.oid, '', a.grantee, a.grantor, a.privilege_type, a.is_grantable, d.datacl IS NULL "
    "FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a "
    "UNION ALL SELECT 'pg_tablespace'::regclass::oid, t.oid, '', a.grantee, a.grantor, a.privilege_type, a.is_grantable, t.spcacl IS NULL "
    "FROM pg_tablespace t, aclexplode(coalesce(t.spcacl, acldefault('t', t.spcowner))) a";
inline constexpr std::string_view kParametersSql =  // 15 and later: a parameter has no owner, and is here only where it has an ACL
    "SELECT p.oid, p.parname, a.grantee, a.grantor, a.privilege_type, a.is_grantable FROM pg_parameter_acl p, aclexplode(p.paracl) a";

inline constexpr std::string_view kObjectsSql = R"(
WITH system AS (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast') OR nspname ~ '^pg_(toast_)?temp_')
SELECT 'pg_class'::regclass::oid, c.oid, CASE c.relkind WHEN 'v' THEN 'v' WHEN 'm' THEN 'v' WHEN 'f' THEN 'e' WHEN 'S' THEN 's' ELSE 't' END,
       n.nspname, c.relname, c.relname, c.relowner
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND (c.relnamespace NOT IN (SELECT oid FROM system)
       OR EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee >= 16384)
       OR EXISTS (SELECT FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = c.oid AND a.grantee >= 16384))
   AND n.nspname !~ '^pg_(toast_)?temp_'
UNION ALL
SELECT 'pg_namespace'::regclass::oid, oid, 'n', '', nspname, nspname, nspowner FROM pg_namespace WHERE oid NOT IN (SELECT oid FROM system)
UNION ALL
SELECT 'pg_proc'::regclass::oid, p.oid, 'f', n.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', p.proname, p.proowner
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE p.pronamespace NOT IN (SELECT oid FROM system) OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee >= 16384)
UNION ALL
SELECT 'pg_type'::regclass::oid, t.oid, 'y', n.nspname, t.typname, t.typname, t.typowner
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typacl IS NOT NULL AND t.typnamespace NOT IN (SELECT oid FROM system)
UNION ALL
SELECT 'pg_language'::regclass::oid, oid, 'l', '', lanname, lanname, lanowner FROM pg_language WHERE lanispl AND (lanpltrusted OR lanacl IS NOT NULL)
UNION ALL
SELECT 'pg_foreign_data_wrapper'::regclass::oid, oid, 'w', '', fdwname, fdwname, fdwowner FROM pg_foreign_data_wrapper
UNION ALL
SELECT 'pg_foreign_server'::regclass::oid, oid, 'r', '', srvname, srvname, srvowner FROM pg_foreign_server
UNION ALL
SELECT 'pg_largeobject'::regclass::oid, oid, 'o', '', oid::text, oid::text, lomowner FROM pg_largeobject_metadata)";

// ACL entries: class, oid, column, grantee, grantor, privilege, grantable, whether the object has no ACL. Those of objects that are not listed
// are left out by whoever reads.
inline constexpr std::string_view kAclSql = R"(
SELECT 'pg_class'::regclass::oid, c.oid, '', a.grantee, a.grantor, a.privilege_type, a.is_grantable, c.relacl IS NULL
  FROM pg_class c, aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND (c.oid >= 16384 OR a.grantee >= 16384)
UNION ALL
SELECT 'pg_class'::regclass::oid, t.attrelid, t.attname, a.grantee, a.grantor, a.privilege_type, a.is_grantable, false
  FROM pg_attribute t, aclexplode(t.attacl) a WHERE NOT t.attisdropped AND (t.attrelid >= 16384 OR a.grantee >= 16384)
UNION ALL
SELECT 'pg_namespace'::regclass::oid, n.oid, '', a.grantee, a.grantor, a.privilege_type, a.is_grantable, n.nspacl IS NULL
  FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
UNION ALL
SELECT 'pg_proc'::regclass::oid, p.oid, '', a.grantee, a.grantor, a.privilege_type, a.is_grantable, p.proacl IS NULL
  FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE p.oid >= 16384 OR a.grantee >= 16384
UNION ALL
SELECT 'pg_type'::regclass::oid, t.oid, '', a.grantee, a.grantor, a.privilege_type, a.is_grantable, false FROM pg_type t, aclexplode(t.typacl) a
UNION ALL
SELECT 'pg_language'::regclass::oid, l.oid, '', a.grantee, a.grantor, a.privilege_type, a.is_grantable, l.lanacl IS NULL
  FROM pg_language l, aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) a
UNION ALL
SELECT 'pg_foreign_data_wrapper'::regclass::oid, w.oid, '', a.grantee, a.grantor, a.privilege_type, a.is_grantable, w.fdwacl IS NULL
  FROM pg_foreign_data_wrapper w, aclexplode(coalesce(w.fdwacl, acldefault('F', w.fdwowner))) a
UNION ALL
SELECT 'pg_foreign_server'::regclass::oid, s.oid, '', a.grantee, a.grantor, a.privilege_type, a.is_grantable, s.srvacl IS NULL
  FROM pg_foreign_server s, aclexplode(coalesce(s.srvacl, acldefault('S', s.srvowner))) a
UNION ALL
SELECT 'pg_largeobject'::regclass::oid, o.oid, '', a.grantee, a.grantor, a.privilege_type, a.is_grantable, o.lomacl IS NULL
  FROM pg_largeobject_metadata o, aclexplode(coalesce(o.lomacl, acldefault('L', o.lomowner))) a)";

// Defaults that draw on a sequence: class, table, column, class, sequence (0: it is named by a text alone), whether the column owns it. An identity
// column has no default here, and needs no privilege.
inline constexpr std::string_view kDrawnSql = R"(
SELECT DISTINCT 'pg_class'::regclass::oid, d.adrelid, a.attname, 'pg_class'::regclass::oid, coalesce(s.oid, 0),
       EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = s.oid AND o.objsubid = 0 AND o.deptype = 'a'
                 AND o.refclassid = 'pg_class'::regclass AND o.refobjid = d.adrelid AND o.refobjsubid = d.adnum)
  FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  LEFT JOIN (pg_depend u JOIN pg_class s ON s.oid = u.refobjid AND s.relkind = 'S')
    ON u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid AND u.refclassid = 'pg_class'::regclass
 WHERE s.oid IS NOT NULL OR pg_get_expr(d.adbin, d.adrelid) ~ '\mnextval\(')";

// ALTER DEFAULT PRIVILEGES: schema, "SELECT ON TABLES", grantee, grantor, grantable.
inline constexpr std::string_view kFutureSql = R"(
SELECT coalesce(n.nspname, ''),
       a.privilege_type || ' ON ' || CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                                     WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END,
       a.grantee, d.defaclrole, a.is_grantable
  FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a)";

}  // namespace remit::posture
