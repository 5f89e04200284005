-- Television: series, seasons and episodes, their files, watch progress, genres, credits and networks.
CREATE TABLE public.tv_series (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  tmdb_id integer,
  tvdb_id integer,
  imdb_id text,
  sonarr_id integer,
  title text NOT NULL,
  tagline text,
  overview text,
  titles_i18n jsonb NOT NULL DEFAULT '{}',
  taglines_i18n jsonb NOT NULL DEFAULT '{}',
  overviews_i18n jsonb NOT NULL DEFAULT '{}',
  age_ratings jsonb NOT NULL DEFAULT '{}',
  original_language text NOT NULL DEFAULT 'en',
  original_title text,
  status text,
  type text,
  first_air_date date,
  last_air_date date,
  vote_average numeric(4, 2),
  vote_count integer,
  popularity numeric(10, 3),
  poster_path text,
  backdrop_path text,
  total_seasons integer NOT NULL DEFAULT 0,
  total_episodes integer NOT NULL DEFAULT 0,
  trailer_url text,
  homepage text,
  metadata_updated_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (tmdb_id),
  UNIQUE (tvdb_id)
);

CREATE INDEX idx_tv_series_created_at ON public.tv_series (created_at DESC);
CREATE INDEX idx_tv_series_first_air_date ON public.tv_series (first_air_date);
CREATE INDEX idx_tv_series_sonarr_id ON public.tv_series (sonarr_id) WHERE sonarr_id IS NOT NULL;
CREATE INDEX idx_tv_series_status ON public.tv_series (status);
CREATE INDEX idx_tv_series_titles_i18n ON public.tv_series USING gin (titles_i18n);
CREATE INDEX idx_tv_series_tmdb_id ON public.tv_series (tmdb_id);
CREATE INDEX idx_tv_series_tvdb_id ON public.tv_series (tvdb_id);

CREATE TABLE public.tv_seasons (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  series_id uuid NOT NULL,
  tmdb_id integer,
  season_number integer NOT NULL,
  name text NOT NULL,
  overview text,
  names_i18n jsonb NOT NULL DEFAULT '{}',
  overviews_i18n jsonb NOT NULL DEFAULT '{}',
  poster_path text,
  episode_count integer NOT NULL DEFAULT 0,
  air_date date,
  vote_average numeric(4, 2),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (series_id, season_number),
  FOREIGN KEY (series_id) REFERENCES public.tv_series (id) ON DELETE CASCADE
);

CREATE INDEX idx_tv_seasons_number ON public.tv_seasons (series_id, season_number);
CREATE INDEX idx_tv_seasons_series ON public.tv_seasons (series_id);

-- season_number repeats what season_id leads to: episodes are found by series, season and number in one index.
CREATE TABLE public.tv_episodes (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  series_id uuid NOT NULL,
  season_id uuid NOT NULL,
  tmdb_id integer,
  tvdb_id integer,
  imdb_id text,
  season_number integer NOT NULL,
  episode_number integer NOT NULL,
  title text NOT NULL,
  overview text,
  titles_i18n jsonb NOT NULL DEFAULT '{}',
  overviews_i18n jsonb NOT NULL DEFAULT '{}',
  air_date date,
  runtime integer,
  vote_average numeric(4, 2),
  vote_count integer,
  still_path text,
  production_code text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (series_id, season_number, episode_number),
  FOREIGN KEY (season_id) REFERENCES public.tv_seasons (id) ON DELETE CASCADE,
  FOREIGN KEY (series_id) REFERENCES public.tv_series (id) ON DELETE CASCADE
);

CREATE INDEX idx_tv_episodes_air_date ON public.tv_episodes (air_date);
CREATE INDEX idx_tv_episodes_number ON public.tv_episodes (series_id, season_number, episode_number);
CREATE INDEX idx_tv_episodes_season ON public.tv_episodes (season_id);
CREATE INDEX idx_tv_episodes_series ON public.tv_episodes (series_id);
CREATE INDEX idx_tv_episodes_tmdb_id ON public.tv_episodes (tmdb_id);

CREATE TABLE public.tv_episode_files (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  episode_id uuid NOT NULL,
  file_path text NOT NULL,
  file_name text NOT NULL,
  file_size bigint NOT NULL,
  container text,
  resolution text,
  quality_profile text,
  video_codec text,
  audio_codec text,
  bitrate_kbps integer,
  duration_seconds numeric(10, 3),
  audio_languages text[] NOT NULL DEFAULT '{}',
  subtitle_languages text[] NOT NULL DEFAULT '{}',
  sonarr_file_id integer,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (file_path),
  FOREIGN KEY (episode_id) REFERENCES public.tv_episodes (id) ON DELETE CASCADE
);

CREATE INDEX idx_tv_episode_files_episode ON public.tv_episode_files (episode_id);
CREATE INDEX idx_tv_episode_files_path ON public.tv_episode_files (file_path);
CREATE INDEX idx_tv_episode_files_sonarr ON public.tv_episode_files (sonarr_file_id)
  WHERE sonarr_file_id IS NOT NULL;

CREATE TABLE public.tv_episode_watched (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  episode_id uuid NOT NULL,
  progress_seconds integer NOT NULL DEFAULT 0,
  duration_seconds integer NOT NULL DEFAULT 0,
  is_completed boolean NOT NULL DEFAULT false,
  watch_count integer NOT NULL DEFAULT 0,
  last_watched_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (user_id, episode_id),
  FOREIGN KEY (episode_id) REFERENCES public.tv_episodes (id) ON DELETE CASCADE,
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_tv_episode_watched_episode ON public.tv_episode_watched (episode_id);
CREATE INDEX idx_tv_episode_watched_last ON public.tv_episode_watched (user_id, last_watched_at DESC)
  WHERE NOT is_completed;
CREATE INDEX idx_tv_episode_watched_user ON public.tv_episode_watched (user_id);
CREATE INDEX idx_tv_episode_watched_user_episode ON public.tv_episode_watched (user_id, episode_id);

CREATE TABLE public.tv_series_genres (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  series_id uuid NOT NULL,
  tmdb_genre_id integer NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (series_id, tmdb_genre_id),
  FOREIGN KEY (series_id) REFERENCES public.tv_series (id) ON DELETE CASCADE
);

CREATE INDEX idx_tv_series_genres_genre ON public.tv_series_genres (tmdb_genre_id);
CREATE INDEX idx_tv_series_genres_series ON public.tv_series_genres (series_id);

CREATE TABLE public.tv_series_credits (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  series_id uuid NOT NULL,
  tmdb_person_id integer NOT NULL,
  name text NOT NULL,
  credit_type text NOT NULL,
  "character" text,
  cast_order integer,
  job text,
  department text,
  profile_path text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  FOREIGN KEY (series_id) REFERENCES public.tv_series (id) ON DELETE CASCADE,
  CHECK (credit_type IN ('cast', 'crew'))
);

CREATE INDEX idx_tv_series_credits_person ON public.tv_series_credits (tmdb_person_id);
CREATE INDEX idx_tv_series_credits_series ON public.tv_series_credits (series_id);

CREATE TABLE public.tv_episode_credits (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  episode_id uuid NOT NULL,
  tmdb_person_id integer NOT NULL,
  name text NOT NULL,
  credit_type text NOT NULL,
  "character" text,
  cast_order integer,
  job text,
  department text,
  profile_path text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  FOREIGN KEY (episode_id) REFERENCES public.tv_episodes (id) ON DELETE CASCADE,
  CHECK (credit_type IN ('guest_star', 'crew'))
);

CREATE INDEX idx_tv_episode_credits_episode ON public.tv_episode_credits (episode_id);

CREATE TABLE public.tv_networks (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  tmdb_id integer NOT NULL,
  name text NOT NULL,
  logo_path text,
  origin_country text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id),
  UNIQUE (tmdb_id)
);

CREATE TABLE public.tv_series_networks (
  series_id uuid NOT NULL,
  network_id uuid NOT NULL,
  PRIMARY KEY (series_id, network_id),
  FOREIGN KEY (network_id) REFERENCES public.tv_networks (id) ON DELETE CASCADE,
  FOREIGN KEY (series_id) REFERENCES public.tv_series (id) ON DELETE CASCADE
);

CREATE TRIGGER update_tv_series_updated_at BEFORE UPDATE ON public.tv_series
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
CREATE TRIGGER update_tv_seasons_updated_at BEFORE UPDATE ON public.tv_seasons
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
CREATE TRIGGER update_tv_episodes_updated_at BEFORE UPDATE ON public.tv_episodes
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
CREATE TRIGGER update_tv_episode_files_updated_at BEFORE UPDATE ON public.tv_episode_files
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
CREATE TRIGGER update_tv_episode_watched_updated_at BEFORE UPDATE ON public.tv_episode_watched
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
CREATE TRIGGER update_tv_series_credits_updated_at BEFORE UPDATE ON public.tv_series_credits
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
CREATE TRIGGER update_tv_episode_credits_updated_at BEFORE UPDATE ON public.tv_episode_credits
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
