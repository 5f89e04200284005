-- Settings of the whole server, one row each, and the seven it starts with.
CREATE TABLE shared.server_settings (
  key varchar(255) NOT NULL,
  value jsonb NOT NULL,
  description text,
  category varchar(100),
  data_type varchar(50) NOT NULL,
  is_secret boolean DEFAULT false,
  is_public boolean DEFAULT false,
  allowed_values jsonb,
  min_value numeric,
  max_value numeric,
  pattern text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by uuid,
  PRIMARY KEY (key),
  FOREIGN KEY (updated_by) REFERENCES shared.users (id) ON DELETE SET NULL
);

CREATE INDEX idx_server_settings_category ON shared.server_settings (category);
CREATE INDEX idx_server_settings_is_public ON shared.server_settings (is_public) WHERE is_public;
CREATE INDEX idx_server_settings_updated_at ON shared.server_settings (updated_at DESC);

INSERT INTO shared.server_settings (key, value, description, category, data_type, is_public)
VALUES
  ('server.name', '"Keel"', 'Name of the server as users see it', 'general', 'string', true),
  ('auth.jwt.access_token_expiry', '3600', 'Life of an access token, in seconds', 'auth', 'number', false),
  ('auth.jwt.refresh_token_expiry', '2592000', 'Life of a refresh token, in seconds', 'auth', 'number', false),
  ('auth.password.min_length', '8', 'Fewest characters of a password', 'auth', 'number', false),
  ('auth.session.max_per_user', '10', 'Most sessions a user has at one time', 'auth', 'number', false),
  ('features.registration_enabled', 'true', 'Visitors may create an account', 'features', 'boolean', true),
  ('features.oidc_enabled', 'false', 'Users may log in with OpenID Connect', 'features', 'boolean', true)
ON CONFLICT (key) DO NOTHING;
