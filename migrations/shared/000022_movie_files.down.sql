-- Removes the records of movie files; the files are not touched.
DROP TABLE public.movie_files;
