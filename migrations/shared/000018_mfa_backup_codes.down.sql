-- Removes the recovery codes.
DROP TABLE public.mfa_backup_codes;
