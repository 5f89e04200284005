-- OpenID Connect: providers, the links of users to them, and the short-lived states of logins under way.
CREATE TABLE shared.oidc_providers (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  name varchar(100) NOT NULL,
  display_name varchar(255) NOT NULL,
  provider_type varchar(50) NOT NULL DEFAULT 'generic',
  issuer_url varchar(500) NOT NULL,
  client_id varchar(255) NOT NULL,
  client_secret_encrypted bytea NOT NULL,
  authorization_endpoint varchar(500),
  token_endpoint varchar(500),
  userinfo_endpoint varchar(500),
  jwks_uri varchar(500),
  end_session_endpoint varchar(500),
  scopes text[] NOT NULL DEFAULT '{openid,profile,email}',
  claim_mappings jsonb NOT NULL DEFAULT
    '{"username": "preferred_username", "email": "email", "name": "name", "picture": "picture", "roles": "groups"}',
  role_mappings jsonb NOT NULL DEFAULT '{}',
  auto_create_users boolean NOT NULL DEFAULT true,
  update_user_info boolean NOT NULL DEFAULT true,
  allow_linking boolean NOT NULL DEFAULT true,
  is_enabled boolean NOT NULL DEFAULT true,
  is_default boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (name)
);

CREATE INDEX idx_oidc_providers_enabled ON shared.oidc_providers (is_enabled) WHERE is_enabled;
CREATE INDEX idx_oidc_providers_name ON shared.oidc_providers (name);
CREATE UNIQUE INDEX idx_oidc_providers_single_default ON shared.oidc_providers (is_default) WHERE is_default;

CREATE TABLE shared.oidc_user_links (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  provider_id uuid NOT NULL,
  subject varchar(500) NOT NULL,
  email varchar(255),
  name varchar(255),
  picture_url varchar(500),
  access_token_encrypted bytea,
  refresh_token_encrypted bytea,
  token_expires_at timestamptz,
  last_login_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  CONSTRAINT unique_provider_subject UNIQUE (provider_id, subject),
  CONSTRAINT unique_user_provider UNIQUE (user_id, provider_id),
  FOREIGN KEY (provider_id) REFERENCES shared.oidc_providers (id) ON DELETE CASCADE,
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_oidc_user_links_provider_id ON shared.oidc_user_links (provider_id);
CREATE INDEX idx_oidc_user_links_subject ON shared.oidc_user_links (provider_id, subject);
CREATE INDEX idx_oidc_user_links_user_id ON shared.oidc_user_links (user_id);

CREATE TABLE shared.oidc_states (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  state varchar(255) NOT NULL,
  code_verifier varchar(128),
  provider_id uuid NOT NULL,
  user_id uuid,
  redirect_url varchar(500),
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (state),
  FOREIGN KEY (provider_id) REFERENCES shared.oidc_providers (id) ON DELETE CASCADE,
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_oidc_states_expires_at ON shared.oidc_states (expires_at);
CREATE INDEX idx_oidc_states_state ON shared.oidc_states (state);

CREATE FUNCTION shared.update_oidc_updated_at() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  NEW.updated_at := pg_catalog.now();
  RETURN NEW;
END
$$;

CREATE TRIGGER trigger_oidc_providers_updated_at BEFORE UPDATE ON shared.oidc_providers
  FOR EACH ROW EXECUTE FUNCTION shared.update_oidc_updated_at();
CREATE TRIGGER trigger_oidc_user_links_updated_at BEFORE UPDATE ON shared.oidc_user_links
  FOR EACH ROW EXECUTE FUNCTION shared.update_oidc_updated_at();
