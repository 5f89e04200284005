-- Titles, taglines and overviews of a movie by language (ISO 639-1 code to text), and its age ratings
-- (country to rating system to value). The texts there are so far are stored under en.
ALTER TABLE public.movies
  ADD COLUMN titles_i18n jsonb DEFAULT '{}',
  ADD COLUMN taglines_i18n jsonb DEFAULT '{}',
  ADD COLUMN overviews_i18n jsonb DEFAULT '{}',
  ADD COLUMN age_ratings jsonb DEFAULT '{}';

UPDATE public.movies
SET
  original_language = coalesce(original_language, 'en'),
  titles_i18n = jsonb_build_object('en', title),
  taglines_i18n = CASE WHEN tagline <> '' THEN jsonb_build_object('en', tagline) ELSE '{}' END,
  overviews_i18n = CASE WHEN overview <> '' THEN jsonb_build_object('en', overview) ELSE '{}' END
WHERE titles_i18n = '{}';

CREATE INDEX idx_movies_age_ratings ON public.movies USING gin (age_ratings);
CREATE INDEX idx_movies_original_language ON public.movies (original_language);
CREATE INDEX idx_movies_overviews_i18n ON public.movies USING gin (overviews_i18n);
CREATE INDEX idx_movies_taglines_i18n ON public.movies USING gin (taglines_i18n);
CREATE INDEX idx_movies_titles_i18n ON public.movies USING gin (titles_i18n);
