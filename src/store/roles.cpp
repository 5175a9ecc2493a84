// The three roles and their rights; what `migrate --print-roles` prints, and what `migrate` gives them for new tables.
#include <fmt/format.h>

#include "store/migrate.h"

namespace surveysync::store {
namespace {

constexpr const char* kHead = R"(-- Three roles without login for surveysync:
--   surveysync_owner   owns the schemas; `surveysync migrate` runs as it
--   surveysync_writer  the daemon and all other verbs: reads and writes rows, makes wide tables, changes no other table
--   surveysync_reader  analysts: reads everything
-- Run as a superuser in the database of surveysync, before the first `migrate` or any time after it; safe to repeat. What a superuser
-- made before goes to the owner, wide tables to the writer; what another role made stays that role's.
)";

constexpr const char* kRoles = R"(
DO $roles$
DECLARE
  role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['surveysync_owner', 'surveysync_writer', 'surveysync_reader'] LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = role) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role);
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role);
  END LOOP;
  EXECUTE format('GRANT CREATE ON DATABASE %I TO surveysync_owner', current_database());
END
$roles$;

-- For what will be made: by the owner, and by the writer (wide tables).
ALTER DEFAULT PRIVILEGES FOR ROLE surveysync_owner GRANT USAGE ON SCHEMAS TO surveysync_writer, surveysync_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE surveysync_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO surveysync_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE surveysync_owner GRANT USAGE ON SEQUENCES TO surveysync_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE surveysync_owner GRANT SELECT ON TABLES TO surveysync_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE surveysync_writer GRANT SELECT ON TABLES TO surveysync_reader;
)";

/// What a superuser made before there were roles: superusers lose nothing by it. {}: the schemas, quoted.
constexpr const char* kHandOver = R"(
DO $owners$
DECLARE
  item record;
BEGIN
  FOR item IN SELECT n.nspname::text AS name FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner
              WHERE n.nspname IN ({0}) AND o.rolsuper LOOP
    EXECUTE format('ALTER SCHEMA %I OWNER TO surveysync_owner', item.name);
  END LOOP;
  FOR item IN SELECT n.nspname::text AS place, c.relname::text AS name,
              n.nspname ~ '_wide$' AND c.relname <> 'dictionary' AS wide FROM pg_catalog.pg_class c
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
              WHERE n.nspname IN ({0}) AND c.relkind IN ('r', 'p', 'v') AND o.rolsuper LOOP
    EXECUTE format('ALTER TABLE %I.%I OWNER TO %I', item.place, item.name,
                   CASE WHEN item.wide THEN 'surveysync_writer' ELSE 'surveysync_owner' END);
  END LOOP;
END
$owners$;
)";

/// For what is there. Leaves out what the current user may not grant. {}: the schemas, quoted.
constexpr const char* kGrants = R"(
DO $grants$
DECLARE
  place record;
  item record;
  maker text;
BEGIN
  FOR place IN SELECT n.oid, n.nspname::text AS name, n.nspowner AS owner, n.nspname ~ '_wide$' AS wide
               FROM pg_catalog.pg_namespace n WHERE n.nspname IN ({}) AND pg_has_role(n.nspowner, 'USAGE')
               ORDER BY n.nspname LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO surveysync_writer, surveysync_reader', place.name);
    IF place.wide THEN
      EXECUTE format('GRANT CREATE ON SCHEMA %I TO surveysync_writer', place.name);
    END IF;
    FOR item IN SELECT c.relname::text AS name, c.relkind AS kind FROM pg_catalog.pg_class c
                WHERE c.relnamespace = place.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
                AND pg_has_role(c.relowner, 'USAGE') ORDER BY c.relname LOOP
      IF item.kind = 'S' THEN
        EXECUTE format('GRANT USAGE ON SEQUENCE %I.%I TO surveysync_writer', place.name, item.name);
      ELSE
        EXECUTE format('GRANT SELECT ON %I.%I TO surveysync_reader', place.name, item.name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I.%I TO surveysync_writer', place.name, item.name);
      END IF;
    END LOOP;
    -- Who makes tables here: the schema's owner; in a schema of wide tables, whoever writes.
    FOR maker IN SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE pg_has_role(r.oid, 'USAGE')
                 AND (r.oid = place.owner OR place.wide AND r.oid IN (
                 SELECT m.member FROM pg_catalog.pg_auth_members m WHERE m.roleid = 'surveysync_writer'::regrole)) LOOP
      EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES '
                     'TO surveysync_writer', maker, place.name);
      EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT USAGE ON SEQUENCES TO surveysync_writer',
                     maker, place.name);
      EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT ON TABLES TO surveysync_reader',
                     maker, place.name);
    END LOOP;
  END LOOP;
  -- What was applied is the owner's to say.
  IF pg_catalog.to_regclass('surveysync.schema_migration') IS NOT NULL THEN
    REVOKE INSERT, UPDATE, DELETE ON surveysync.schema_migration FROM surveysync_writer;
  END IF;
END
$grants$;
)";

constexpr const char* kTail = R"(
-- Users then, for example (the daemon comes in as the system user surveysync):
--   CREATE ROLE surveysync LOGIN IN ROLE surveysync_writer;
--   ALTER ROLE surveysync SET role = 'surveysync_writer';    -- wide tables belong to the writer, whoever made them
--   CREATE ROLE surveysync_admin LOGIN IN ROLE surveysync_owner;
--   ALTER ROLE surveysync_admin SET role = 'surveysync_owner';
--   GRANT surveysync_reader TO somebody;
)";

std::string quoted_schemas() {
  std::string names;
  for (const std::string& schema : schemas())
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", schema);
  return names;
}

std::string grants() {
  return fmt::format(kGrants, quoted_schemas());
}

}  // namespace

std::string print_roles() {
  return fmt::format("{}{}{}{}{}", kHead, kRoles, fmt::format(kHandOver, quoted_schemas()), grants(), kTail);
}

void grant_to_roles(pg::Connection& connection) {
  const pg::Result roles = connection.execute(
      "SELECT 1 WHERE pg_catalog.to_regrole('surveysync_writer') IS NOT NULL AND "
      "pg_catalog.to_regrole('surveysync_reader') IS NOT NULL");
  if (roles.rows() > 0) connection.execute_script(grants());
}

}  // namespace surveysync::store
