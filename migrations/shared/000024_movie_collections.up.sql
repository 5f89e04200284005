-- Collections of movies and their members.
CREATE TABLE public.movie_collections (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  tmdb_collection_id integer,
  name text NOT NULL,
  overview text,
  poster_path text,
  backdrop_path text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  PRIMARY KEY (id),
  UNIQUE (tmdb_collection_id)
);

CREATE INDEX idx_collections_name_trgm ON public.movie_collections USING gin (name public.gin_trgm_ops);
CREATE INDEX idx_collections_tmdb_id ON public.movie_collections (tmdb_collection_id)
  WHERE tmdb_collection_id IS NOT NULL;

CREATE TABLE public.movie_collection_members (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  collection_id uuid NOT NULL,
  movie_id uuid NOT NULL,
  collection_order integer,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  CONSTRAINT uq_collection_movie UNIQUE (collection_id, movie_id),
  FOREIGN KEY (collection_id) REFERENCES public.movie_collections (id) ON DELETE CASCADE,
  FOREIGN KEY (movie_id) REFERENCES public.movies (id) ON DELETE CASCADE
);

CREATE INDEX idx_collection_members_collection ON public.movie_collection_members (collection_id);
CREATE INDEX idx_collection_members_movie ON public.movie_collection_members (movie_id);
CREATE INDEX idx_collection_members_order ON public.movie_collection_members (collection_id, collection_order)
  WHERE collection_order IS NOT NULL;

CREATE TRIGGER update_movie_collections_updated_at BEFORE UPDATE ON public.movie_collections
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
