-- Cast and crew of a movie.
CREATE TABLE public.movie_credits (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  movie_id uuid NOT NULL,
  tmdb_person_id integer NOT NULL,
  name text NOT NULL,
  profile_path text,
  credit_type text NOT NULL,
  "character" text,
  cast_order integer,
  job text,
  department text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  PRIMARY KEY (id),
  FOREIGN KEY (movie_id) REFERENCES public.movies (id) ON DELETE CASCADE,
  CONSTRAINT chk_credit_type CHECK (credit_type IN ('cast', 'crew')),
  CONSTRAINT chk_cast_fields CHECK (
    (credit_type = 'cast' AND "character" IS NOT NULL)
    OR (credit_type = 'crew' AND job IS NOT NULL AND department IS NOT NULL)
  )
);

CREATE INDEX idx_movie_credits_cast_order ON public.movie_credits (movie_id, cast_order)
  WHERE credit_type = 'cast' AND cast_order IS NOT NULL;
CREATE INDEX idx_movie_credits_job ON public.movie_credits (job) WHERE credit_type = 'crew' AND job IS NOT NULL;
CREATE INDEX idx_movie_credits_movie_id ON public.movie_credits (movie_id);
CREATE INDEX idx_movie_credits_person_id ON public.movie_credits (tmdb_person_id);
CREATE INDEX idx_movie_credits_type ON public.movie_credits (credit_type);
-- A person may have several characters and jobs in one movie, each once.
CREATE UNIQUE INDEX idx_movie_credits_unique ON public.movie_credits (
  movie_id, tmdb_person_id, credit_type, coalesce("character", ''), coalesce(job, '')
);

CREATE TRIGGER update_movie_credits_updated_at BEFORE UPDATE ON public.movie_credits
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
