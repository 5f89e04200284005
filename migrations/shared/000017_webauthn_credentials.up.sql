-- Passkeys and security keys.
CREATE TABLE public.webauthn_credentials (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  credential_id bytea NOT NULL,
  public_key bytea NOT NULL,
  sign_count integer NOT NULL DEFAULT 0,
  clone_detected boolean NOT NULL DEFAULT false,
  aaguid bytea,
  attestation_type text NOT NULL,
  transports text[],
  backup_eligible boolean NOT NULL DEFAULT false,
  backup_state boolean NOT NULL DEFAULT false,
  user_present boolean NOT NULL DEFAULT true,
  user_verified boolean NOT NULL DEFAULT false,
  name text,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  PRIMARY KEY (id),
  UNIQUE (credential_id),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE,
  CONSTRAINT credential_id_not_empty CHECK (octet_length(credential_id) > 0),
  CONSTRAINT public_key_not_empty CHECK (octet_length(public_key) > 0),
  CONSTRAINT sign_count_non_negative CHECK (sign_count >= 0),
  CONSTRAINT aaguid_correct_size CHECK (aaguid IS NULL OR octet_length(aaguid) = 16)
);

CREATE INDEX idx_webauthn_credentials_clone_detected ON public.webauthn_credentials (user_id, clone_detected)
  WHERE clone_detected;
CREATE INDEX idx_webauthn_credentials_credential_id ON public.webauthn_credentials (credential_id);
CREATE INDEX idx_webauthn_credentials_last_used ON public.webauthn_credentials (last_used_at DESC)
  WHERE last_used_at IS NOT NULL;
CREATE INDEX idx_webauthn_credentials_user ON public.webauthn_credentials (user_id);
