-- Removes the watch progress of movies.
DROP TABLE public.movie_watched;
