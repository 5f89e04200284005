-- Removes the refresh tokens.
DROP TABLE shared.auth_tokens;
