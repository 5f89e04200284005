-- Genres of a movie, by name: there is no table of genres to keep in step.
CREATE TABLE public.movie_genres (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  movie_id uuid NOT NULL,
  tmdb_genre_id integer NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  CONSTRAINT uq_movie_genre UNIQUE (movie_id, tmdb_genre_id),
  FOREIGN KEY (movie_id) REFERENCES public.movies (id) ON DELETE CASCADE
);

CREATE INDEX idx_movie_genres_genre_id ON public.movie_genres (tmdb_genre_id);
CREATE INDEX idx_movie_genres_movie_id ON public.movie_genres (movie_id);
CREATE INDEX idx_movie_genres_name ON public.movie_genres (name);
