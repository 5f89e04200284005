-- Sessions forget their second factor.
DROP INDEX shared.idx_sessions_mfa_verified;

ALTER TABLE shared.sessions
  DROP COLUMN mfa_verified_at,
  DROP COLUMN mfa_verified;
