-- Notification, privacy and display preferences, one row a user.
CREATE TABLE shared.user_preferences (
  user_id uuid NOT NULL,
  email_notifications jsonb DEFAULT '{"enabled": true, "frequency": "instant"}',
  push_notifications jsonb DEFAULT '{"enabled": false}',
  digest_notifications jsonb DEFAULT '{"enabled": true, "frequency": "weekly"}',
  profile_visibility varchar(20) DEFAULT 'private',
  show_email boolean DEFAULT false,
  show_activity boolean DEFAULT true,
  theme varchar(20) DEFAULT 'system',
  display_language varchar(10) DEFAULT 'en-US',
  content_language varchar(255),
  show_adult_content boolean DEFAULT false,
  show_spoilers boolean DEFAULT false,
  auto_play_videos boolean DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE,
  CHECK (profile_visibility IN ('public', 'friends', 'private')),
  CHECK (theme IN ('light', 'dark', 'system'))
);

CREATE INDEX idx_user_preferences_updated_at ON shared.user_preferences (updated_at DESC);
