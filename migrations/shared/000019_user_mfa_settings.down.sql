-- Removes the second-factor switches.
DROP TABLE public.user_mfa_settings;
