-- One-time tokens, as hashes, for setting a new password.
CREATE TABLE shared.password_reset_tokens (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  token_hash text NOT NULL,
  ip_address inet,
  user_agent text,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (token_hash),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_password_reset_tokens_expires_at ON shared.password_reset_tokens (expires_at)
  WHERE used_at IS NULL;
CREATE INDEX idx_password_reset_tokens_token_hash ON shared.password_reset_tokens (token_hash)
  WHERE used_at IS NULL;
CREATE INDEX idx_password_reset_tokens_user_id ON shared.password_reset_tokens (user_id) WHERE used_at IS NULL;
