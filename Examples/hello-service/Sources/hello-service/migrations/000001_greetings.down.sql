DROP TABLE public.greetings;
