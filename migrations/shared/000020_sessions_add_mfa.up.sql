-- A session remembers whether and when its second factor was checked.
ALTER TABLE shared.sessions
  ADD COLUMN mfa_verified boolean NOT NULL DEFAULT false,
  ADD COLUMN mfa_verified_at timestamptz;

CREATE INDEX idx_sessions_mfa_verified ON shared.sessions (user_id, mfa_verified) WHERE revoked_at IS NULL;
