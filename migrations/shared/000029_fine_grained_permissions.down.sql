-- Back to the coarse policies of moderator, user and guest, as files 11 and 27 gave them.
DELETE FROM shared.casbin_rule WHERE ptype = 'p' AND v0 IN ('moderator', 'user', 'guest');

INSERT INTO shared.casbin_rule (ptype, v0, v1, v2)
VALUES
  ('p', 'user', 'profile', 'read'),
  ('p', 'user', 'profile', 'write'),
  ('p', 'user', 'library', 'read'),
  ('p', 'user', 'playback', 'read'),
  ('p', 'user', 'playback', 'write'),
  ('p', 'guest', 'library', 'read'),
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
