-- Removes the address verification tokens.
DROP TABLE shared.email_verification_tokens;
