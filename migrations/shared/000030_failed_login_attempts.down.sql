-- Removes the record of failed logins.
DROP TABLE shared.failed_login_attempts;
