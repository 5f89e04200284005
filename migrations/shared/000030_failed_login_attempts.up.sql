-- Failed logins, for locking out. No reference to users: most names tried are nobody's.
CREATE TABLE shared.failed_login_attempts (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  username text NOT NULL,
  ip_address text NOT NULL,
  attempted_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id)
);

CREATE INDEX idx_failed_login_ip ON shared.failed_login_attempts (ip_address, attempted_at DESC);
CREATE INDEX idx_failed_login_username ON shared.failed_login_attempts (username, attempted_at DESC);
