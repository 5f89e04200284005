-- Removes the password reset tokens.
DROP TABLE shared.password_reset_tokens;
