-- Movies go back to one language. original_language stays: file 21 made it.
DROP INDEX public.idx_movies_age_ratings;
DROP INDEX public.idx_movies_original_language;
DROP INDEX public.idx_movies_overviews_i18n;
DROP INDEX public.idx_movies_taglines_i18n;
DROP INDEX public.idx_movies_titles_i18n;

ALTER TABLE public.movies
  DROP COLUMN age_ratings,
  DROP COLUMN overviews_i18n,
  DROP COLUMN taglines_i18n,
  DROP COLUMN titles_i18n;
