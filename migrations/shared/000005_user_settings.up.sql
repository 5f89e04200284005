-- Settings of one user, one row each.
CREATE TABLE shared.user_settings (
  user_id uuid NOT NULL,
  key varchar(255) NOT NULL,
  value jsonb NOT NULL,
  description text,
  category varchar(100),
  data_type varchar(50) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, key),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_user_settings_category ON shared.user_settings (user_id, category);
CREATE INDEX idx_user_settings_updated_at ON shared.user_settings (updated_at DESC);
CREATE INDEX idx_user_settings_user_id ON shared.user_settings (user_id);
