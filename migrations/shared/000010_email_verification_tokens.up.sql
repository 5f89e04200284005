-- One-time tokens, as hashes, for verifying an address. The address is kept with the token: it may be a
-- new one that the account does not have yet.
CREATE TABLE shared.email_verification_tokens (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  token_hash text NOT NULL,
  email varchar(255) NOT NULL,
  ip_address inet,
  user_agent text,
  expires_at timestamptz NOT NULL,
  verified_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (token_hash),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_email_verification_tokens_email ON shared.email_verification_tokens (email)
  WHERE verified_at IS NULL;
CREATE INDEX idx_email_verification_tokens_expires_at ON shared.email_verification_tokens (expires_at)
  WHERE verified_at IS NULL;
CREATE INDEX idx_email_verification_tokens_token_hash ON shared.email_verification_tokens (token_hash)
  WHERE verified_at IS NULL;
CREATE INDEX idx_email_verification_tokens_user_id ON shared.email_verification_tokens (user_id)
  WHERE verified_at IS NULL;
