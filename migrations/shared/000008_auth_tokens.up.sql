-- Refresh tokens, as hashes, with the device they were given to.
CREATE TABLE shared.auth_tokens (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  token_hash text NOT NULL,
  token_type varchar(20) NOT NULL DEFAULT 'refresh',
  device_name varchar(255),
  device_fingerprint text,
  ip_address inet,
  user_agent text,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (token_hash),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_auth_tokens_device ON shared.auth_tokens (user_id, device_fingerprint) WHERE revoked_at IS NULL;
CREATE INDEX idx_auth_tokens_expires_at ON shared.auth_tokens (expires_at) WHERE revoked_at IS NULL;
CREATE INDEX idx_auth_tokens_token_hash ON shared.auth_tokens (token_hash) WHERE revoked_at IS NULL;
CREATE INDEX idx_auth_tokens_user_id ON shared.auth_tokens (user_id) WHERE revoked_at IS NULL;
