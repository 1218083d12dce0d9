// The questions of `remit target check`. Each row: name, what, closing statement.
#include "target/postgres/check_sql.h"

namespace remit::target::postgres {

// Once for the server.
const std::string_view kCheckServerSql = R"SQL(
SELECT 'connect:' || quote_ident(datname), 'connect to database ' || quote_ident(datname),
       format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC;', datname)
  FROM pg_database WHERE datallowconn AND datname <> current_database() AND has_database_privilege('public', oid, 'CONNECT')
UNION ALL
SELECT 'temporary:' || quote_ident(datname), 'create temporary tables in ' || quote_ident(datname),
       format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC;', datname)
  FROM pg_database WHERE datallowconn AND has_database_privilege('public', oid, 'TEMPORARY')
   AND (datname = current_database() OR has_database_privilege('public', oid, 'CONNECT'))
UNION ALL
SELECT 'create-schema:' || quote_ident(datname), 'create schemas in ' || quote_ident(datname), format('REVOKE CREATE ON DATABASE %I FROM PUBLIC;', datname)
  FROM pg_database WHERE datallowconn AND has_database_privilege('public', oid, 'CREATE')
)SQL";

// In each database that a task can connect to.
const std::string_view kCheckDatabaseSql = R"SQL(
WITH d AS (SELECT quote_ident(current_database()) || '/' AS here),
     system AS (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast')),
     routine AS (SELECT p.oid, p.pronamespace, p.prosecdef, quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')' AS name,
                        format('REVOKE EXECUTE ON ROUTINE %I.%I(%s) FROM PUBLIC;', n.nspname, p.proname, oidvectortypes(p.proargtypes)) AS closing
                   FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE has_function_privilege('public', p.oid, 'EXECUTE')),
     relation AS (SELECT c.oid, c.relnamespace, c.relkind, c.relowner, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
                         format(CASE c.relkind WHEN 'S' THEN 'REVOKE ALL ON SEQUENCE %I.%I FROM PUBLIC;' ELSE 'REVOKE ALL ON TABLE %I.%I FROM PUBLIC;' END,
                                n.nspname, c.relname)
                         || coalesce((SELECT ' REVOKE ALL (' || string_agg(quote_ident(a.attname), ', ') || ') ON TABLE ' || quote_ident(n.nspname) || '.'
                                             || quote_ident(c.relname) || ' FROM PUBLIC;'
                                        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL), '') AS closing
                    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_temp_'
                     AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege('public', c.oid, 'USAGE, SELECT, UPDATE')
                         ELSE has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                              OR has_any_column_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') END)
SELECT 'create:' || here || quote_ident(nspname), 'create objects in schema ' || quote_ident(nspname), format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC;', nspname)
  FROM d, pg_namespace n WHERE nspname !~ '^pg_temp_' AND has_schema_privilege('public', n.oid, 'CREATE')
UNION ALL
SELECT 'large-objects:' || quote_ident(current_database()), 'create large objects', 'REVOKE EXECUTE ON FUNCTION '
       || string_agg(p.oid::regprocedure::text, ', ' ORDER BY p.oid) || ' FROM PUBLIC;'
  FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname IN ('lo_create', 'lo_creat', 'lo_from_bytea')
   AND has_function_privilege('public', p.oid, 'EXECUTE') HAVING count(*) > 0
UNION ALL
SELECT 'definer:' || here || r.name, 'call ' || r.name || ' with the rights of its owner', r.closing
  FROM d, routine r WHERE r.prosecdef AND r.pronamespace NOT IN (SELECT oid FROM system)
UNION ALL
SELECT 'catalog:' || here || r.name, 'call ' || r.name || ', which PostgreSQL does not give to PUBLIC', r.closing
  FROM d, routine r JOIN pg_init_privs i ON i.classoid = 'pg_proc'::regclass AND i.objoid = r.oid
 WHERE r.pronamespace IN (SELECT oid FROM system) AND NOT EXISTS (SELECT FROM aclexplode(i.initprivs) a WHERE a.grantee = 0)
UNION ALL
SELECT 'catalog:' || here || r.name, 'use ' || r.name || ', which PostgreSQL does not give to PUBLIC', r.closing
  FROM d, relation r WHERE r.relnamespace IN (SELECT oid FROM system)
   AND NOT EXISTS (SELECT FROM pg_init_privs i, aclexplode(i.initprivs) a WHERE i.classoid = 'pg_class'::regclass AND i.objoid = r.oid AND a.grantee = 0)
   -- The SQL standard's views show each reader only what is his. They are made after pg_init_privs was filled, so it does not have them.
   AND NOT (r.relnamespace = 'information_schema'::regnamespace AND r.name !~ '^information_schema[.]_pg_'
            AND NOT has_table_privilege('public', r.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
            AND NOT has_any_column_privilege('public', r.oid, 'INSERT, UPDATE, REFERENCES'))
UNION ALL
SELECT CASE WHEN r.relkind IN ('v', 'm') THEN 'view:' ELSE 'table:' END || here || r.name,
       CASE WHEN r.relkind IN ('v', 'm') THEN 'use view ' || r.name || ' with the rights of its owner' WHEN r.relkind = 'S' THEN 'use sequence ' || r.name
            ELSE 'use table ' || r.name END, r.closing
  FROM d, relation r WHERE r.relnamespace NOT IN (SELECT oid FROM system)
UNION ALL
SELECT 'language:' || here || quote_ident(lanname), 'write functions in the untrusted language ' || quote_ident(lanname),
       format('UPDATE pg_catalog.pg_language SET lanacl = NULL WHERE lanname = %L;', lanname)
  FROM d, pg_language l WHERE lanispl AND NOT lanpltrusted AND lanacl IS NOT NULL AND has_language_privilege('public', l.oid, 'USAGE')
UNION ALL
SELECT 'dblink:' || quote_ident(current_database()), 'connect elsewhere from inside the server, with dblink',
       string_agg(r.closing, ' ' ORDER BY r.name)
  FROM routine r JOIN pg_depend x ON x.classid = 'pg_proc'::regclass AND x.objid = r.oid AND x.deptype = 'e' JOIN pg_extension e ON e.oid = x.refobjid
 WHERE e.extname = 'dblink' HAVING count(*) > 0
UNION ALL
SELECT 'foreign-wrapper:' || here || quote_ident(fdwname), 'define foreign servers with ' || quote_ident(fdwname),
       format('REVOKE USAGE ON FOREIGN DATA WRAPPER %I FROM PUBLIC;', fdwname)
  FROM d, pg_foreign_data_wrapper f WHERE has_foreign_data_wrapper_privilege('public', f.oid, 'USAGE')
UNION ALL
SELECT 'foreign-server:' || here || quote_ident(srvname), 'use foreign server ' || quote_ident(srvname),
       format('REVOKE USAGE ON FOREIGN SERVER %I FROM PUBLIC;', srvname)
  FROM d, pg_foreign_server f WHERE has_server_privilege('public', f.oid, 'USAGE')
UNION ALL
SELECT 'open-large-object:' || here || l.oid, 'use large object ' || l.oid, format('REVOKE ALL ON LARGE OBJECT %s FROM PUBLIC;', l.oid)
  FROM d, pg_largeobject_metadata l WHERE EXISTS (SELECT FROM aclexplode(l.lomacl) a WHERE a.grantee = 0)
)SQL";

// Rows: table, sequence, whether the table owns it. Remit's own role may not read remit.scope: a scope role is known by its name and its comment.
const std::string_view kCheckSequencesSql = R"SQL(
SELECT DISTINCT quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(m.nspname) || '.' || quote_ident(q.relname),
       EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = q.oid AND o.objsubid = 0 AND o.deptype = 'a'
                 AND o.refclassid = 'pg_class'::regclass AND o.refobjid = c.oid AND o.refobjsubid = d.adnum)
  FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_roles r ON r.oid = a.grantee AND r.rolname ~ '^remit_scope_[0-9a-f]{24}$'
   AND shobj_description(r.oid, 'pg_authid') ~ (' for tasks of installation ' || $1::text || '$')
  JOIN pg_attrdef d ON d.adrelid = c.oid
  JOIN pg_depend u ON u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid AND u.refclassid = 'pg_class'::regclass
  JOIN pg_class q ON q.oid = u.refobjid AND q.relkind = 'S'
  JOIN pg_namespace m ON m.oid = q.relnamespace
 WHERE a.privilege_type = 'INSERT' AND c.relkind IN ('r', 'p') AND NOT has_sequence_privilege(r.oid, q.oid, 'USAGE, UPDATE')
 ORDER BY 1, 2
)SQL";

}  // namespace remit::target::postgres
