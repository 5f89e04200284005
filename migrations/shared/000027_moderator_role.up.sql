-- The moderator role, and requests and movies for users.
INSERT INTO shared.casbin_rule (ptype, v0, v1, v2)
VALUES
  ('p', 'moderator', 'users', 'read'),
  ('p', 'moderator', 'users', 'write'),
  ('p', 'moderator', 'requests', 'read'),
  ('p', 'moderator', 'requests', 'write'),
  ('p', 'moderator', 'requests', 'delete'),
  ('p', 'moderator', 'movies', 'read'),
  ('p', 'moderator', 'movies', 'write'),
  ('p', 'moderator', 'audit', 'read'),
  ('p', 'moderator', 'library', 'read'),
  ('p', 'moderator', 'profile', 'read'),
  ('p', 'moderator', 'profile', 'write'),
  ('p', 'user', 'requests', 'read'),
  ('p', 'user', 'requests', 'write'),
  ('p', 'user', 'movies', 'read')
ON CONFLICT DO NOTHING;
