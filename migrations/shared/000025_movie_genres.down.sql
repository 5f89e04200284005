-- Removes the genres of the movies.
DROP TABLE public.movie_genres;
