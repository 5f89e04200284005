-- Login sessions. Tokens are stored as hashes only.
CREATE TABLE shared.sessions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  token_hash text NOT NULL,
  refresh_token_hash text,
  ip_address inet,
  user_agent text,
  device_name varchar(255),
  scopes text[] DEFAULT '{}',
  expires_at timestamptz NOT NULL,
  last_activity_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  revoke_reason text,
  PRIMARY KEY (id),
  UNIQUE (token_hash),
  UNIQUE (refresh_token_hash),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_sessions_expires_at ON shared.sessions (expires_at) WHERE revoked_at IS NULL;
CREATE INDEX idx_sessions_last_activity ON shared.sessions (last_activity_at DESC);
CREATE INDEX idx_sessions_token_hash ON shared.sessions (token_hash) WHERE revoked_at IS NULL;
CREATE INDEX idx_sessions_user_id ON shared.sessions (user_id) WHERE revoked_at IS NULL;
