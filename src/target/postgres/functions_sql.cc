// The server's half: what `remit target init postgres` puts into a database. All of it belongs to the administrator (a superuser) who runs
// the script; Remit's own role may call the functions that are granted to it at the end of this text, and nothing else.
//
// INVARIANT: every function that a role other than the administrator may call is SECURITY DEFINER with a fixed search_path, asks
// remit.caller() whose installation the session belongs to, and touches no role whose name is not of that installation's pattern.
// Refusals have SQLSTATEs of their own, class RM (see refusal.h).
#include "target/postgres/init_sql.h"

namespace remit::target::postgres {

const std::string_view kFunctionsSql = R"SQL(
CREATE SCHEMA IF NOT EXISTS remit;
REVOKE ALL ON SCHEMA remit FROM PUBLIC;

-- Nobody may have prepared the ground: everything that is there already belongs to a superuser.
DO $remit$
BEGIN
  IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
    RAISE EXCEPTION 'this script is for a superuser: it makes roles, and functions that make roles';
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner WHERE n.nspname = 'remit' AND NOT r.rolsuper)
     OR EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_roles r ON r.oid = p.proowner
                WHERE p.pronamespace = 'remit'::regnamespace AND NOT r.rolsuper)
     OR EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
                WHERE c.relnamespace = 'remit'::regnamespace AND NOT r.rolsuper) THEN
    RAISE EXCEPTION 'schema remit, or something in it, belongs to a role that is not a superuser';
  END IF;
END $remit$;

-- Which login role speaks for which installation.
CREATE TABLE IF NOT EXISTS remit.installation (
  id    text PRIMARY KEY CHECK (id ~ '^[0-9a-z]{1,26}$'),
  login oid NOT NULL UNIQUE
);
-- What tasks may ever be granted here: one NOLOGIN role for each table and privilege, by OID.
CREATE TABLE IF NOT EXISTS remit.scope (
  installation text NOT NULL,
  relation     oid NOT NULL,
  schema       oid NOT NULL,
  privilege    text NOT NULL CHECK (privilege IN ('select', 'insert', 'update', 'delete')),
  role         oid NOT NULL UNIQUE,
  role_name    text NOT NULL UNIQUE,
  PRIMARY KEY (installation, relation, privilege)
);
-- Those that an INSERT into the table draws its columns' numbers from: USAGE on them, and on no others, belongs to its scope role.
ALTER TABLE remit.scope ADD COLUMN IF NOT EXISTS sequences oid[] NOT NULL DEFAULT '{}' CHECK (sequences = '{}' OR privilege = 'insert');
-- Roles that were dropped a moment ago: a login that was under way may still turn up.
CREATE TABLE IF NOT EXISTS remit.dropped (
  role oid PRIMARY KEY,
  at   timestamptz NOT NULL DEFAULT now()
);
-- What each installation's ledger was when it was last here, so that an old copy of its store is known for what it is.
CREATE TABLE IF NOT EXISTS remit.anchor (
  installation text PRIMARY KEY,
  anchor       text NOT NULL CHECK (length(anchor) <= 1000),
  at           timestamptz NOT NULL DEFAULT now()
);

-- The installation that this session's login role speaks for.
CREATE OR REPLACE FUNCTION remit.caller() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  found_id text;
BEGIN
  SELECT i.id INTO found_id FROM remit.installation i JOIN pg_roles r ON r.oid = i.login WHERE r.rolname = session_user;
  IF found_id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'RM004', MESSAGE = format('role %I speaks for no installation', session_user);
  END IF;
  RETURN found_id;
END $remit$;

-- Who is there: the cluster, whether it is a standby, the caller's installation, seconds that a login may take.
CREATE OR REPLACE FUNCTION remit.identity(OUT system text, OUT standby boolean, OUT installation text, OUT login_seconds integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
BEGIN
  installation := remit.caller();
  SELECT c.system_identifier::text INTO system FROM pg_control_system() c;
  standby := pg_is_in_recovery();
  SELECT s.setting::integer INTO login_seconds FROM pg_settings s WHERE s.name = 'authentication_timeout';
END $remit$;

-- The sequences that the table's columns own and take their defaults from, sorted: those of serial columns. An identity column's needs no privilege,
-- and what another table's column owns is that table's.
CREATE OR REPLACE FUNCTION remit.own_sequences(the_relation oid) RETURNS oid[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $remit$
  SELECT coalesce(array_agg(DISTINCT q.oid ORDER BY q.oid), '{}')
    FROM pg_depend own
    JOIN pg_class q ON q.oid = own.objid AND q.relkind = 'S'
    JOIN pg_attrdef d ON d.adrelid = own.refobjid AND d.adnum = own.refobjsubid
    JOIN pg_depend uses ON uses.classid = 'pg_attrdef'::regclass AND uses.objid = d.oid AND uses.refclassid = 'pg_class'::regclass
                       AND uses.refobjid = q.oid
   WHERE own.classid = 'pg_class'::regclass AND own.objsubid = 0 AND own.refclassid = 'pg_class'::regclass AND own.refobjid = the_relation
     AND own.deptype = 'a'
$remit$;

-- What about a scope role is not as init made it; null where nothing is. Holds the role's row until the transaction ends.
CREATE OR REPLACE FUNCTION remit.scope_fault(s remit.scope) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  r pg_authid;
  here oid;
  other text;
BEGIN
  SELECT oid INTO here FROM pg_database WHERE datname = current_database();
  SELECT * INTO r FROM pg_authid WHERE oid = s.role FOR SHARE;
  IF NOT FOUND OR r.rolname <> s.role_name THEN
    RETURN 'it is gone or has another name';
  END IF;
  IF r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls OR NOT r.rolinherit
     OR r.rolpassword IS NOT NULL THEN
    RETURN 'its attributes were changed';
  END IF;
  SELECT g.rolname INTO other FROM pg_auth_members m JOIN pg_authid g ON g.oid = m.roleid WHERE m.member = s.role LIMIT 1;
  IF FOUND THEN
    RETURN format('it is a member of %I', other);
  END IF;
  SELECT u.rolname INTO other FROM pg_auth_members m JOIN pg_authid u ON u.oid = m.member
    WHERE m.roleid = s.role AND (m.admin_option OR u.rolname !~ '^remit_[0-9a-z]{1,26}_crd_[0-9a-z]{26}$')
      AND (m.admin_option OR NOT EXISTS (SELECT FROM remit.installation i WHERE i.id = s.installation AND i.login = u.oid)) LIMIT 1;
  IF FOUND THEN
    RETURN format('%I is a member of it, or may grant it', other);
  END IF;
  SELECT pg_describe_object(d.classid, d.objid, d.objsubid) INTO other FROM pg_shdepend d
    WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = s.role
      AND NOT (d.deptype = 'a' AND d.objsubid = 0
               AND ((d.classid = 'pg_class'::regclass AND d.objid = s.relation AND d.dbid = here)
                    OR (d.classid = 'pg_class'::regclass AND d.objid = ANY (s.sequences) AND d.dbid = here)
                    OR (d.classid = 'pg_namespace'::regclass AND d.objid = s.schema AND d.dbid = here)
                    OR (d.classid = 'pg_database'::regclass AND d.objid = here AND d.dbid = 0))) LIMIT 1;
  IF FOUND THEN
    RETURN format('it owns or may use something else: %s', coalesce(other, 'an object of another database'));
  END IF;
  IF (SELECT array_agg(DISTINCT a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END)
        FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = s.relation AND a.grantee = s.role) IS DISTINCT FROM ARRAY[upper(s.privilege)]
     OR (SELECT array_agg(DISTINCT a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END)
        FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.oid = s.schema AND a.grantee = s.role) IS DISTINCT FROM ARRAY['USAGE']
     OR (SELECT array_agg(DISTINCT a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END)
        FROM pg_database b, aclexplode(b.datacl) a WHERE b.oid = here AND a.grantee = s.role) IS DISTINCT FROM ARRAY['CONNECT'] THEN
    RETURN 'its privileges on the table, the schema or the database were changed';
  END IF;
  -- A sequence that is gone gives nothing; of one that is there, neither whose it is nor what may be done with it has changed.
  SELECT pg_describe_object('pg_class'::regclass, q.oid, 0) INTO other FROM pg_class q WHERE q.oid = ANY (s.sequences)
     AND (NOT q.oid = ANY (remit.own_sequences(s.relation))
          OR (SELECT array_agg(a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END)
                FROM aclexplode(q.relacl) a WHERE a.grantee = s.role) IS DISTINCT FROM ARRAY['USAGE']) LIMIT 1;
  IF FOUND THEN
    RETURN format('%s is not the table''s own any more, or what it may do with it was changed', other);
  END IF;
  RETURN NULL;
END $remit$;

-- Makes the role of one credential, with exactly these privileges, and gives back its OID.
CREATE OR REPLACE FUNCTION remit.make(role_name text, verifier text, valid_until timestamptz, sessions integer,
                                      schemas text[], tables text[], privileges text[]) RETURNS oid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  inst text := remit.caller();
  modern boolean := current_setting('server_version_num')::integer >= 160000;
  rel record;
  s remit.scope;
  fault text;
  scopes text[] := '{}';
  made oid;
BEGIN
  IF role_name IS NULL OR role_name !~ ('^remit_' || inst || '_crd_[0-9a-z]{26}$') THEN
    RAISE EXCEPTION USING ERRCODE = 'RM004', MESSAGE = format('%L is not the name of a role of installation %s', role_name, inst);
  END IF;
  IF verifier IS NULL OR verifier !~ '^SCRAM-SHA-256\$[0-9]{1,7}:[A-Za-z0-9+/]{16,}={0,2}\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$' THEN
    RAISE EXCEPTION USING ERRCODE = 'RM006', MESSAGE = 'not a SCRAM-SHA-256 verifier';
  END IF;
  IF valid_until IS NULL OR NOT isfinite(valid_until) OR sessions IS NULL OR sessions NOT BETWEEN 1 AND 1000
     OR coalesce(cardinality(tables), 0) NOT BETWEEN 1 AND 1000 OR cardinality(schemas) IS DISTINCT FROM cardinality(tables)
     OR cardinality(privileges) IS DISTINCT FROM cardinality(tables) THEN
    RAISE EXCEPTION USING ERRCODE = 'RM006', MESSAGE = 'a limit is missing or out of range';
  END IF;
  FOR i IN 1 .. cardinality(tables) LOOP
    SELECT c.oid, c.relkind INTO rel FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = schemas[i] AND c.relname = tables[i];
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'RM005', MESSAGE = format('there is no table %I.%I', schemas[i], tables[i]);
    END IF;
    IF rel.relkind NOT IN ('r', 'p') THEN
      RAISE EXCEPTION USING ERRCODE = 'RM003', MESSAGE = format('%I.%I is not an ordinary or partitioned table', schemas[i], tables[i]);
    END IF;
    SELECT * INTO s FROM remit.scope x WHERE x.installation = inst AND x.relation = rel.oid AND x.privilege = privileges[i];
    IF NOT FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'RM001', MESSAGE = format('%s on %I.%I may not be granted to tasks', privileges[i], schemas[i], tables[i]);
    END IF;
    fault := remit.scope_fault(s);
    IF fault IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'RM002', MESSAGE = format('scope role %I for %s on %I.%I is not as it was made: %s', s.role_name,
                                                               privileges[i], schemas[i], tables[i], fault);
    END IF;
    scopes := scopes || quote_ident(s.role_name);
  END LOOP;

  EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT CONNECTION LIMIT %s VALID UNTIL %L',
                 role_name, sessions, valid_until)
    || CASE WHEN modern THEN '' ELSE format(' IN ROLE %s ROLE %I', array_to_string(scopes, ', '), session_user) END;
  IF modern THEN
    EXECUTE format('GRANT %s TO %I WITH INHERIT TRUE, SET FALSE', array_to_string(scopes, ', '), role_name);
    EXECUTE format('GRANT %I TO %I WITH INHERIT TRUE, SET TRUE', role_name, session_user);
  END IF;
  EXECUTE format('COMMENT ON ROLE %I IS %L', role_name, format('remit/%s/%s', inst, substr(role_name, length(inst) + 8)));
  -- The verifier goes where CREATE ROLE would put it. As its PASSWORD it would be hashed 4096 times, to see whether it is that of the empty
  -- password, which nobody chose here.
  UPDATE pg_authid SET rolpassword = verifier WHERE rolname = role_name RETURNING oid INTO STRICT made;
  RETURN made;
END $remit$;

-- The name of a task role of the caller's installation; null where the OID is gone.
CREATE OR REPLACE FUNCTION remit.name_of(the_role oid) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  inst text := remit.caller();
  found_name text;
BEGIN
  SELECT rolname INTO found_name FROM pg_authid WHERE oid = the_role;
  IF found_name IS NOT NULL AND found_name !~ ('^remit_' || inst || '_crd_[0-9a-z]{26}$') THEN
    RAISE EXCEPTION USING ERRCODE = 'RM004', MESSAGE = format('%I is not the name of a role of installation %s', found_name, inst);
  END IF;
  RETURN found_name;
END $remit$;

-- Takes away every membership: of the role in others, and of others in the role (before PostgreSQL 15 a role
-- could grant itself).
CREATE OR REPLACE FUNCTION remit.revoke(the_role oid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  modern boolean := current_setting('server_version_num')::integer >= 160000;
  m record;
  count integer := 0;
BEGIN
  IF remit.name_of(the_role) IS NULL THEN
    RETURN 0;
  END IF;
  FOR m IN SELECT g.rolname AS granted, u.rolname AS member, a.rolname AS grantor
             FROM pg_auth_members x JOIN pg_authid g ON g.oid = x.roleid JOIN pg_authid u ON u.oid = x.member
             LEFT JOIN pg_authid a ON a.oid = x.grantor
            WHERE x.member = the_role OR (x.roleid = the_role AND u.rolname <> session_user) LOOP
    EXECUTE format('REVOKE %I FROM %I', m.granted, m.member) || CASE WHEN modern THEN format(' GRANTED BY %I CASCADE', m.grantor) ELSE '' END;
    count := count + 1;
  END LOOP;
  RETURN count;
END $remit$;

-- No membership, no login, no password.
CREATE OR REPLACE FUNCTION remit.disarm(the_role oid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  the_name text := remit.name_of(the_role);
BEGIN
  IF the_name IS NULL THEN
    RETURN;
  END IF;
  PERFORM remit.revoke(the_role);
  IF EXISTS (SELECT FROM pg_authid WHERE oid = the_role AND (rolcanlogin OR rolpassword IS NOT NULL)) THEN
    EXECUTE format('ALTER ROLE %I NOLOGIN PASSWORD NULL', the_name);
  END IF;
END $remit$;

-- Moves the day on which its password expires. Says whether the role is there, and may still log in.
CREATE OR REPLACE FUNCTION remit.prolong(the_role oid, valid_until timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  the_name text := remit.name_of(the_role);
BEGIN
  IF valid_until IS NULL OR NOT isfinite(valid_until) THEN
    RAISE EXCEPTION USING ERRCODE = 'RM006', MESSAGE = 'a limit is missing or out of range';
  END IF;
  IF the_name IS NULL OR NOT EXISTS (SELECT FROM pg_authid WHERE oid = the_role AND rolcanlogin) THEN
    RETURN false;
  END IF;
  EXECUTE format('ALTER ROLE %I VALID UNTIL %L', the_name, valid_until);
  RETURN true;
END $remit$;

-- Before PostgreSQL 16 a task can become one of its scope roles, and prepare a transaction as that. Only its owner can end it, and not from
-- inside a function: so the caller becomes a member of such scope roles for a moment, and gives that back with return_scopes().
CREATE OR REPLACE FUNCTION remit.borrow_scopes() RETURNS TABLE (gid text, database text, owner text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  inst text := remit.caller();
  s record;
BEGIN
  FOR s IN SELECT DISTINCT x.role_name FROM pg_prepared_xact() p JOIN remit.scope x ON x.role = p.ownerid WHERE x.installation = inst LOOP
    EXECUTE format('GRANT %I TO %I', s.role_name, session_user);
  END LOOP;
  RETURN QUERY SELECT p.gid, d.datname::text, x.role_name FROM pg_prepared_xact() p JOIN remit.scope x ON x.role = p.ownerid
                 JOIN pg_database d ON d.oid = p.dbid WHERE x.installation = inst;
END $remit$;

CREATE OR REPLACE FUNCTION remit.return_scopes() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  inst text := remit.caller();
  s record;
BEGIN
  FOR s IN SELECT x.role_name FROM remit.scope x JOIN pg_auth_members m ON m.roleid = x.role JOIN pg_authid u ON u.oid = m.member
            WHERE x.installation = inst AND u.rolname = session_user LOOP
    EXECUTE format('REVOKE %I FROM %I', s.role_name, session_user);
  END LOOP;
END $remit$;

-- What the role owns, or was granted by others, in this database. What others hung on its objects goes with them.
CREATE OR REPLACE FUNCTION remit.drop_owned(the_role oid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  the_name text := remit.name_of(the_role);
BEGIN
  IF the_name IS NOT NULL THEN
    EXECUTE format('DROP OWNED BY %I CASCADE', the_name);
  END IF;
END $remit$;

-- Drops a role that was disarmed.
CREATE OR REPLACE FUNCTION remit.drop(the_role oid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  the_name text := remit.name_of(the_role);
BEGIN
  IF the_name IS NULL THEN
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM pg_authid WHERE oid = the_role AND (rolcanlogin OR rolpassword IS NOT NULL)) THEN
    RAISE EXCEPTION USING ERRCODE = 'RM007', MESSAGE = format('role %I was not disarmed', the_name);
  END IF;
  IF EXISTS (SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = the_role
               AND (d.dbid = 0 OR d.dbid = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database()))) THEN
    PERFORM remit.drop_owned(the_role);
  END IF;
  EXECUTE format('DROP ROLE %I', the_name);
  INSERT INTO remit.dropped (role) VALUES (the_role) ON CONFLICT (role) DO UPDATE SET at = now();
END $remit$;

-- Ends sessions whose role is gone: of `the_role`, and of all that were dropped within the last quarter of an hour.
CREATE OR REPLACE FUNCTION remit.end_late_sessions(the_role oid DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  inst text := remit.caller();
  ended integer;
BEGIN
  DELETE FROM remit.dropped d WHERE d.at < now() - interval '15 minutes';
  SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) INTO ended FROM pg_stat_activity a
    WHERE a.usesysid IS NOT NULL AND (a.usesysid = the_role OR a.usesysid IN (SELECT d.role FROM remit.dropped d))
      AND NOT EXISTS (SELECT FROM pg_authid u WHERE u.oid = a.usesysid);
  RETURN ended;
END $remit$;

-- The caller's anchor, or null.
CREATE OR REPLACE FUNCTION remit.read_anchor() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  inst text := remit.caller();
  found_anchor text;
BEGIN
  SELECT a.anchor INTO found_anchor FROM remit.anchor a WHERE a.installation = inst;
  RETURN found_anchor;
END $remit$;

-- Takes the place of the caller's one before.
CREATE OR REPLACE FUNCTION remit.leave_anchor(the_anchor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  inst text := remit.caller();
BEGIN
  IF the_anchor IS NULL OR length(the_anchor) > 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'RM006', MESSAGE = 'an anchor is a text of at most 1000 characters';
  END IF;
  INSERT INTO remit.anchor (installation, anchor) VALUES (inst, the_anchor)
    ON CONFLICT (installation) DO UPDATE SET anchor = excluded.anchor, at = now();
END $remit$;

-- For the administrator: the login role of an installation. Makes it where it is missing; `verifier` may be null.
CREATE OR REPLACE FUNCTION remit.admit(inst text, login_name text, verifier text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  r pg_authid;
  d text;
BEGIN
  SELECT * INTO r FROM pg_authid WHERE rolname = login_name;
  IF NOT FOUND THEN
    EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', login_name);
    SELECT * INTO r FROM pg_authid WHERE rolname = login_name;
  ELSIF r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls THEN
    RAISE EXCEPTION 'role % may do more than log in; Remit needs a role that may not', login_name;
  ELSIF NOT r.rolcanlogin OR NOT r.rolinherit THEN
    RAISE EXCEPTION 'role % needs LOGIN and INHERIT: Remit cuts off the sessions of roles that it is a member of', login_name;
  END IF;
  IF verifier IS NOT NULL THEN
    EXECUTE format('ALTER ROLE %I PASSWORD %L', login_name, verifier);
  END IF;
  INSERT INTO remit.installation (id, login) VALUES (inst, r.oid) ON CONFLICT (id) DO UPDATE SET login = excluded.login;
  EXECUTE format('GRANT USAGE ON SCHEMA remit TO %I', login_name);
  EXECUTE format('GRANT EXECUTE ON FUNCTION remit.identity(), remit.make(text, text, timestamptz, integer, text[], text[], text[]), remit.revoke(oid), '
                 'remit.disarm(oid), remit.prolong(oid, timestamptz), remit.drop_owned(oid), remit.drop(oid), remit.end_late_sessions(oid), '
                 'remit.borrow_scopes(), remit.return_scopes(), remit.read_anchor(), remit.leave_anchor(text) TO %I', login_name);
  -- It ends what a task left in whatever database the task got into.
  FOR d IN SELECT datname FROM pg_database WHERE datallowconn LOOP
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', d, login_name);
  END LOOP;
END $remit$;

CREATE OR REPLACE FUNCTION remit.grant_sequences(scope_name text, sequences oid[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  q record;
BEGIN
  FOR q IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY (sequences) LOOP
    EXECUTE format('GRANT USAGE ON SEQUENCE %I.%I TO %I', q.nspname, q.relname, scope_name);
  END LOOP;
END $remit$;

-- For the administrator: allows one privilege on one table to be granted to tasks, by making its scope role.
CREATE OR REPLACE FUNCTION remit.permit(inst text, the_schema text, the_table text, the_privilege text, scope_name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  rel record;
  s remit.scope;
  fault text;
  made oid;
  own oid[] := '{}';
BEGIN
  SELECT c.oid, c.relkind, n.oid AS schema INTO rel FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = the_schema AND c.relname = the_table;
  IF NOT FOUND OR rel.relkind NOT IN ('r', 'p') THEN
    RAISE EXCEPTION 'there is no ordinary or partitioned table %.%', quote_ident(the_schema), quote_ident(the_table);
  END IF;
  IF the_privilege = 'insert' THEN
    own := remit.own_sequences(rel.oid);
  END IF;
  SELECT * INTO s FROM remit.scope x WHERE x.installation = inst AND x.relation = rel.oid AND x.privilege = the_privilege AND x.role_name = scope_name;
  IF FOUND AND EXISTS (SELECT FROM pg_authid WHERE oid = s.role) THEN
    fault := remit.scope_fault(s);
    IF fault IS NULL THEN
      -- Columns that came since, or an older script that knew of no sequences. Tasks that hold the role keep it.
      PERFORM remit.grant_sequences(scope_name, own);
      UPDATE remit.scope x SET sequences = own WHERE x.role = s.role AND x.sequences <> own;
      RETURN;
    END IF;
    RAISE WARNING 'scope role % was not as it was made and is made again: %', quote_ident(scope_name), fault;
  END IF;
  -- What is left of a table of that name, of a database that was restored, or of a role that somebody changed.
  DELETE FROM remit.scope x WHERE x.role_name = scope_name OR (x.installation = inst AND x.relation = rel.oid AND x.privilege = the_privilege);
  IF EXISTS (SELECT FROM pg_authid WHERE rolname = scope_name) THEN
    EXECUTE format('DROP OWNED BY %I CASCADE', scope_name);
    EXECUTE format('DROP ROLE %I', scope_name);
  END IF;
  EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT', scope_name);
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), scope_name);
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', the_schema, scope_name);
  EXECUTE format('GRANT %s ON TABLE %I.%I TO %I', upper(the_privilege), the_schema, the_table, scope_name);
  PERFORM remit.grant_sequences(scope_name, own);
  EXECUTE format('COMMENT ON ROLE %I IS %L', scope_name, format('remit: %s on %I.%I in %I for tasks of installation %s', the_privilege, the_schema,
                                                              the_table, current_database(), inst));
  SELECT oid INTO made FROM pg_authid WHERE rolname = scope_name;
  INSERT INTO remit.scope (installation, relation, schema, privilege, role, role_name, sequences)
    VALUES (inst, rel.oid, rel.schema, the_privilege, made, scope_name, own);
END $remit$;

-- For the administrator: drops the scope roles that are no longer listed. Tasks that hold one lose it at once.
CREATE OR REPLACE FUNCTION remit.retire(inst text, keep text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $remit$
DECLARE
  s remit.scope;
BEGIN
  FOR s IN SELECT * FROM remit.scope x WHERE x.installation = inst AND NOT x.role_name = ANY (keep) LOOP
    IF EXISTS (SELECT FROM pg_authid WHERE oid = s.role AND rolname = s.role_name) THEN
      EXECUTE format('DROP OWNED BY %I', s.role_name);
      EXECUTE format('DROP ROLE %I', s.role_name);
    END IF;
    DELETE FROM remit.scope x WHERE x.role = s.role;
  END LOOP;
END $remit$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA remit FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA remit FROM PUBLIC;
)SQL";

}  // namespace remit::target::postgres
