-- Policies of the Casbin access model: ptype p grants role v0 the action v2 on resource v1; ptype g makes
-- v0 a member of role v1.
CREATE TABLE shared.casbin_rule (
  id serial NOT NULL,
  ptype varchar(100) NOT NULL,
  v0 varchar(100),
  v1 varchar(100),
  v2 varchar(100),
  v3 varchar(100),
  v4 varchar(100),
  v5 varchar(100),
  PRIMARY KEY (id)
);

-- No policy stands twice. A table constraint would take two nulls for different values.
CREATE UNIQUE INDEX idx_casbin_rule_unique ON shared.casbin_rule (
  ptype, coalesce(v0, ''), coalesce(v1, ''), coalesce(v2, ''), coalesce(v3, ''), coalesce(v4, ''), coalesce(v5, '')
);
CREATE INDEX idx_casbin_rule_ptype ON shared.casbin_rule (ptype);
CREATE INDEX idx_casbin_rule_v0 ON shared.casbin_rule (v0);
CREATE INDEX idx_casbin_rule_v0_v1 ON shared.casbin_rule (v0, v1);
CREATE INDEX idx_casbin_rule_v1 ON shared.casbin_rule (v1);

INSERT INTO shared.casbin_rule (ptype, v0, v1, v2)
VALUES
  ('p', 'admin', '*', '*'),
  ('p', 'user', 'profile', 'read'),
  ('p', 'user', 'profile', 'write'),
  ('p', 'user', 'library', 'read'),
  ('p', 'user', 'playback', 'read'),
  ('p', 'user', 'playback', 'write'),
  ('p', 'guest', 'library', 'read');
