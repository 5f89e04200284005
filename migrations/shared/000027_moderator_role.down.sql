-- Takes the moderator role away, and requests and movies from users.
DELETE FROM shared.casbin_rule
WHERE ptype = 'p'
  AND (v0 = 'moderator' OR (v0 = 'user' AND v1 IN ('requests', 'movies')));
