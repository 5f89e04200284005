-- Accounts. A soft-deleted account keeps its username and e-mail address.
CREATE TABLE shared.users (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  username varchar(255) NOT NULL,
  email varchar(255) NOT NULL,
  password_hash text NOT NULL,
  display_name varchar(255),
  avatar_url text,
  locale varchar(10) DEFAULT 'en-US',
  timezone varchar(50) DEFAULT 'UTC',
  qar_enabled boolean DEFAULT false,
  is_active boolean DEFAULT true,
  is_admin boolean DEFAULT false,
  email_verified boolean DEFAULT false,
  email_verified_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  last_login_at timestamptz,
  deleted_at timestamptz,
  PRIMARY KEY (id),
  UNIQUE (username),
  UNIQUE (email)
);

CREATE INDEX idx_users_active ON shared.users (is_active) WHERE deleted_at IS NULL;
CREATE INDEX idx_users_created_at ON shared.users (created_at DESC);
CREATE INDEX idx_users_email ON shared.users (email) WHERE deleted_at IS NULL;
CREATE INDEX idx_users_username ON shared.users (username) WHERE deleted_at IS NULL;
