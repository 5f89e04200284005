-- Removes the users' settings.
DROP TABLE shared.user_settings;
