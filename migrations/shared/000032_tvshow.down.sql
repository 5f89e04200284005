-- Removes television; triggers and indexes go with their tables.
DROP TABLE public.tv_series_networks;
DROP TABLE public.tv_networks;
DROP TABLE public.tv_episode_credits;
DROP TABLE public.tv_series_credits;
DROP TABLE public.tv_series_genres;
DROP TABLE public.tv_episode_watched;
DROP TABLE public.tv_episode_files;
DROP TABLE public.tv_episodes;
DROP TABLE public.tv_seasons;
DROP TABLE public.tv_series;
