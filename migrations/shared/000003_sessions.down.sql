-- Removes the login sessions.
DROP TABLE shared.sessions;
