-- The encrypted TOTP secret of a user, at most one.
CREATE TABLE public.user_totp_secrets (
  user_id uuid NOT NULL,
  encrypted_secret bytea NOT NULL,
  nonce bytea NOT NULL,
  verified_at timestamptz,
  enabled boolean NOT NULL DEFAULT false,
  last_used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE,
  CONSTRAINT secret_not_empty CHECK (octet_length(encrypted_secret) > 0),
  CONSTRAINT nonce_correct_size CHECK (octet_length(nonce) = 12)
);

CREATE INDEX idx_totp_secrets_last_used ON public.user_totp_secrets (last_used_at DESC)
  WHERE last_used_at IS NOT NULL;
CREATE INDEX idx_totp_secrets_user_enabled ON public.user_totp_secrets (user_id) WHERE enabled;
