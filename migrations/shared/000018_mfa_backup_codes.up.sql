-- One-time recovery codes, as hashes.
CREATE TABLE public.mfa_backup_codes (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  code_hash text NOT NULL,
  used_at timestamptz,
  used_from_ip inet,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE,
  CONSTRAINT code_hash_not_empty CHECK (length(code_hash) > 0)
);

CREATE INDEX idx_backup_codes_created ON public.mfa_backup_codes (created_at DESC);
CREATE INDEX idx_backup_codes_unused ON public.mfa_backup_codes (user_id) WHERE used_at IS NULL;
CREATE INDEX idx_backup_codes_user ON public.mfa_backup_codes (user_id);
