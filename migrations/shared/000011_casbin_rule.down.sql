-- Removes the policies; the sequence of their ids goes with the table.
DROP TABLE shared.casbin_rule;
