-- The three schemas, the trigram extension and the trigger function that keeps updated_at.
-- Every later file names its objects with their schema: nothing depends on search_path.
CREATE SCHEMA IF NOT EXISTS shared;
CREATE SCHEMA IF NOT EXISTS qar;

-- Adult content stays with the owner: what others may see, the owner grants by name.
REVOKE ALL ON SCHEMA qar FROM PUBLIC;

COMMENT ON SCHEMA shared IS 'Accounts, sessions, permissions and configuration';
COMMENT ON SCHEMA qar IS 'Adult content, isolated from the rest';

-- Before PostgreSQL 15, public belongs to the superuser and not to the owner of the database.
DO $$
BEGIN
  IF pg_catalog.pg_has_role(
    (SELECT n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'public'), 'USAGE'
  ) THEN
    COMMENT ON SCHEMA public IS 'Libraries and their content';
  END IF;
END
$$;

-- For the similarity searches on titles and names. Trusted: the owner of the database may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE FUNCTION shared.update_updated_at_column() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := pg_catalog.now();
  RETURN NEW;
END
$$;
