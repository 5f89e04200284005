-- Removes the collections and their members.
DROP TABLE public.movie_collection_members;
DROP TABLE public.movie_collections;
