-- Removes the accounts.
DROP TABLE shared.users;
