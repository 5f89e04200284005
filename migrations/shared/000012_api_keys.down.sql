-- Removes the API keys.
DROP TABLE shared.api_keys;
