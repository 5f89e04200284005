-- Movies and their metadata.
CREATE TABLE public.movies (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  tmdb_id integer,
  imdb_id text,
  title text NOT NULL,
  original_title text,
  year integer,
  release_date date,
  runtime integer,
  overview text,
  tagline text,
  status text,
  original_language text,
  poster_path text,
  backdrop_path text,
  trailer_url text,
  vote_average numeric(3, 1),
  vote_count integer,
  popularity numeric(10, 3),
  budget bigint,
  revenue bigint,
  library_added_at timestamptz NOT NULL DEFAULT now(),
  metadata_updated_at timestamptz,
  radarr_id integer,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  PRIMARY KEY (id),
  UNIQUE (tmdb_id),
  UNIQUE (imdb_id)
);

CREATE UNIQUE INDEX idx_movies_imdb_id ON public.movies (imdb_id) WHERE imdb_id IS NOT NULL;
CREATE INDEX idx_movies_library_added_at ON public.movies (library_added_at DESC);
CREATE INDEX idx_movies_original_title_trgm ON public.movies USING gin (original_title public.gin_trgm_ops)
  WHERE original_title IS NOT NULL;
CREATE INDEX idx_movies_radarr_id ON public.movies (radarr_id) WHERE radarr_id IS NOT NULL;
CREATE INDEX idx_movies_release_date ON public.movies (release_date DESC) WHERE release_date IS NOT NULL;
CREATE INDEX idx_movies_title_trgm ON public.movies USING gin (title public.gin_trgm_ops);
CREATE UNIQUE INDEX idx_movies_tmdb_id ON public.movies (tmdb_id) WHERE tmdb_id IS NOT NULL;
CREATE INDEX idx_movies_vote_average ON public.movies (vote_average DESC) WHERE vote_average IS NOT NULL;
CREATE INDEX idx_movies_year ON public.movies (year) WHERE year IS NOT NULL;

CREATE TRIGGER update_movies_updated_at BEFORE UPDATE ON public.movies
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
