-- How far a user has watched a movie. The percentage is computed by the database, so it is never stale.
CREATE TABLE public.movie_watched (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  movie_id uuid NOT NULL,
  progress_seconds integer NOT NULL DEFAULT 0,
  duration_seconds integer,
  progress_percent numeric(5, 2) GENERATED ALWAYS AS (
    CASE WHEN duration_seconds > 0 THEN progress_seconds * 100.0 / duration_seconds ELSE 0 END
  ) STORED,
  is_completed boolean DEFAULT false,
  last_watched_at timestamptz NOT NULL DEFAULT now(),
  completed_at timestamptz,
  watch_count integer DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  CONSTRAINT uq_user_movie_watched UNIQUE (user_id, movie_id),
  FOREIGN KEY (movie_id) REFERENCES public.movies (id) ON DELETE CASCADE,
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_movie_watched_completed ON public.movie_watched (user_id, is_completed, last_watched_at DESC);
CREATE INDEX idx_movie_watched_in_progress ON public.movie_watched (user_id, progress_percent)
  WHERE progress_seconds > 0 AND NOT is_completed;
CREATE INDEX idx_movie_watched_last_watched ON public.movie_watched (user_id, last_watched_at DESC);
CREATE INDEX idx_movie_watched_movie_id ON public.movie_watched (movie_id);
CREATE INDEX idx_movie_watched_user_id ON public.movie_watched (user_id);

CREATE TRIGGER update_movie_watched_updated_at BEFORE UPDATE ON public.movie_watched
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
