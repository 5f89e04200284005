-- Removes the function, the extension and the two schemas; public stays, with the comment it was born with.
-- No CASCADE: a schema that holds something these migrations did not make is kept, and the error says what.
DROP FUNCTION shared.update_updated_at_column();

DROP EXTENSION IF EXISTS pg_trgm;

DO $$
BEGIN
  IF pg_catalog.pg_has_role(
    (SELECT n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'public'), 'USAGE'
  ) THEN
    COMMENT ON SCHEMA public IS 'standard public schema';
  END IF;
END
$$;

DROP SCHEMA qar;
DROP SCHEMA shared;
