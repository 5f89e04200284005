-- Which second factors a user has switched on, and which devices are trusted.
CREATE TABLE public.user_mfa_settings (
  user_id uuid NOT NULL,
  totp_enabled boolean NOT NULL DEFAULT false,
  webauthn_enabled boolean NOT NULL DEFAULT false,
  backup_codes_generated boolean NOT NULL DEFAULT false,
  require_mfa boolean NOT NULL DEFAULT false,
  remember_device_enabled boolean NOT NULL DEFAULT true,
  remember_device_duration_days integer NOT NULL DEFAULT 30,
  trusted_devices jsonb NOT NULL DEFAULT '[]',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE,
  CONSTRAINT remember_duration_positive CHECK (remember_device_duration_days > 0),
  CONSTRAINT trusted_devices_is_array CHECK (jsonb_typeof(trusted_devices) = 'array')
);

CREATE INDEX idx_mfa_settings_require_mfa ON public.user_mfa_settings (user_id) WHERE require_mfa;
CREATE INDEX idx_mfa_settings_totp_enabled ON public.user_mfa_settings (user_id) WHERE totp_enabled;
CREATE INDEX idx_mfa_settings_webauthn_enabled ON public.user_mfa_settings (user_id) WHERE webauthn_enabled;
