-- The nonce is the first 12 bytes of encrypted_secret: the column that repeats it goes.
ALTER TABLE public.user_totp_secrets
  DROP CONSTRAINT nonce_correct_size,
  DROP COLUMN nonce;
