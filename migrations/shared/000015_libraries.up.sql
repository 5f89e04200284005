-- Media libraries, the runs of their scanner, and who may do what with which library.
-- Kinds, states and permissions are free text: the application owns those lists.
CREATE TABLE public.libraries (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  name text NOT NULL,
  type varchar(50) NOT NULL,
  paths text[] NOT NULL DEFAULT '{}',
  enabled boolean NOT NULL DEFAULT true,
  scan_on_startup boolean NOT NULL DEFAULT false,
  realtime_monitoring boolean NOT NULL DEFAULT true,
  metadata_provider varchar(50),
  preferred_language varchar(10) NOT NULL DEFAULT 'en',
  scanner_config jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id)
);

CREATE INDEX idx_libraries_enabled ON public.libraries (enabled) WHERE enabled;
CREATE INDEX idx_libraries_name ON public.libraries (name);
CREATE INDEX idx_libraries_type ON public.libraries (type);

CREATE TABLE public.library_scans (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  library_id uuid NOT NULL,
  scan_type varchar(20) NOT NULL,
  status varchar(20) NOT NULL DEFAULT 'pending',
  items_scanned integer NOT NULL DEFAULT 0,
  items_added integer NOT NULL DEFAULT 0,
  items_updated integer NOT NULL DEFAULT 0,
  items_removed integer NOT NULL DEFAULT 0,
  errors_count integer NOT NULL DEFAULT 0,
  error_message text,
  started_at timestamptz,
  completed_at timestamptz,
  duration_seconds integer,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  FOREIGN KEY (library_id) REFERENCES public.libraries (id) ON DELETE CASCADE
);

CREATE INDEX idx_library_scans_created ON public.library_scans (created_at DESC);
CREATE INDEX idx_library_scans_library ON public.library_scans (library_id, started_at DESC);
CREATE INDEX idx_library_scans_status ON public.library_scans (status);

CREATE TABLE public.library_permissions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  library_id uuid NOT NULL,
  user_id uuid NOT NULL,
  permission varchar(50) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  FOREIGN KEY (library_id) REFERENCES public.libraries (id) ON DELETE CASCADE,
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_library_perms_library ON public.library_permissions (library_id);
CREATE UNIQUE INDEX idx_library_perms_unique ON public.library_permissions (library_id, user_id, permission);
CREATE INDEX idx_library_perms_user ON public.library_permissions (user_id);

CREATE FUNCTION public.update_libraries_updated_at() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := pg_catalog.now();
  RETURN NEW;
END
$$;

CREATE TRIGGER trigger_libraries_updated_at BEFORE UPDATE ON public.libraries
  FOR EACH ROW EXECUTE FUNCTION public.update_libraries_updated_at();
