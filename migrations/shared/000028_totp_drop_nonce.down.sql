-- Brings the nonce back in its place, third, read from the first 12 bytes of the secret. A column can only be
-- added at the end, so the table is built anew. Fails, and changes nothing, if a secret has fewer than 12 bytes.
CREATE TABLE public.user_totp_secrets_kept AS
  SELECT * FROM public.user_totp_secrets;

DROP TABLE public.user_totp_secrets;

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

INSERT INTO public.user_totp_secrets (
  user_id, encrypted_secret, nonce, verified_at, enabled, last_used_at, created_at, updated_at
)
SELECT
  user_id, encrypted_secret, substring(encrypted_secret FROM 1 FOR 12), verified_at, enabled, last_used_at,
  created_at, updated_at
FROM public.user_totp_secrets_kept;

DROP TABLE public.user_totp_secrets_kept;

CREATE INDEX idx_totp_secrets_last_used ON public.user_totp_secrets (last_used_at DESC)
  WHERE last_used_at IS NOT NULL;
CREATE INDEX idx_totp_secrets_user_enabled ON public.user_totp_secrets (user_id) WHERE enabled;
