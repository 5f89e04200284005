-- Removes cast and crew of the movies.
DROP TABLE public.movie_credits;
