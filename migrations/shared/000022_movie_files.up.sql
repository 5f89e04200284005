-- The files of a movie on disk and what the scanner read from them.
CREATE TABLE public.movie_files (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  movie_id uuid NOT NULL,
  file_path text NOT NULL,
  file_size bigint NOT NULL,
  file_name text NOT NULL,
  resolution text,
  quality_profile text,
  video_codec text,
  audio_codec text,
  container text,
  duration_seconds integer,
  bitrate_kbps integer,
  framerate numeric(5, 2),
  dynamic_range text,
  color_space text,
  audio_channels text,
  audio_languages text[],
  subtitle_languages text[],
  radarr_file_id integer,
  last_scanned_at timestamptz,
  is_monitored boolean DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  PRIMARY KEY (id),
  UNIQUE (file_path),
  FOREIGN KEY (movie_id) REFERENCES public.movies (id) ON DELETE CASCADE
);

CREATE INDEX idx_movie_files_last_scanned ON public.movie_files (last_scanned_at DESC);
CREATE INDEX idx_movie_files_movie_id ON public.movie_files (movie_id);
CREATE INDEX idx_movie_files_quality ON public.movie_files (quality_profile) WHERE quality_profile IS NOT NULL;
CREATE INDEX idx_movie_files_radarr_id ON public.movie_files (radarr_file_id) WHERE radarr_file_id IS NOT NULL;
CREATE INDEX idx_movie_files_resolution ON public.movie_files (resolution) WHERE resolution IS NOT NULL;

CREATE TRIGGER update_movie_files_updated_at BEFORE UPDATE ON public.movie_files
  FOR EACH ROW EXECUTE FUNCTION shared.update_updated_at_column();
