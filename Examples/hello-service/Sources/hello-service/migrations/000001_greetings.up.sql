-- Whom the service has greeted, and how often.
CREATE TABLE public.greetings (
  name text PRIMARY KEY,
  count integer NOT NULL DEFAULT 1
);
