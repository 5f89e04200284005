-- API keys: the SHA-256 of the key in hexadecimal, and the few characters by which its owner knows it.
CREATE TABLE shared.api_keys (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  name varchar(255) NOT NULL,
  description text,
  key_hash varchar(64) NOT NULL,
  key_prefix varchar(16) NOT NULL,
  scopes text[] NOT NULL DEFAULT '{}',
  is_active boolean NOT NULL DEFAULT true,
  expires_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (key_hash),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_api_keys_expires_at ON shared.api_keys (expires_at) WHERE is_active AND expires_at IS NOT NULL;
CREATE INDEX idx_api_keys_key_hash ON shared.api_keys (key_hash) WHERE is_active;
CREATE INDEX idx_api_keys_key_prefix ON shared.api_keys (key_prefix);
CREATE INDEX idx_api_keys_user_id ON shared.api_keys (user_id);
