-- Removes the server's settings, with their values.
DROP TABLE shared.server_settings;
