-- Removes the movies; trigger and indexes go with the table.
DROP TABLE public.movies;
