-- Removes the TOTP secrets.
DROP TABLE public.user_totp_secrets;
