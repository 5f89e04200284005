-- Removes the passkeys and security keys.
DROP TABLE public.webauthn_credentials;
