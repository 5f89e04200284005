-- Removes the users' preferences.
DROP TABLE shared.user_preferences;
