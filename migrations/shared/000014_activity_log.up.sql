-- Audit log. Entries outlive their user: the reference becomes null, the name stays.
CREATE TABLE public.activity_log (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid,
  username varchar(255),
  action varchar(100) NOT NULL,
  resource_type varchar(50),
  resource_id uuid,
  changes jsonb,
  metadata jsonb,
  ip_address inet,
  user_agent text,
  success boolean DEFAULT true,
  error_message text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE SET NULL
);

CREATE INDEX idx_activity_log_action ON public.activity_log (action, created_at DESC);
CREATE INDEX idx_activity_log_created ON public.activity_log (created_at DESC);
CREATE INDEX idx_activity_log_ip ON public.activity_log (ip_address, created_at DESC);
CREATE INDEX idx_activity_log_resource ON public.activity_log (resource_type, resource_id);
CREATE INDEX idx_activity_log_success ON public.activity_log (success, created_at DESC) WHERE NOT success;
CREATE INDEX idx_activity_log_user ON public.activity_log (user_id, created_at DESC);
