-- Avatars with their earlier versions; a user has at most one that is current and not deleted.
CREATE TABLE shared.user_avatars (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  file_path text NOT NULL,
  file_size_bytes bigint NOT NULL,
  mime_type varchar(100) NOT NULL,
  width integer NOT NULL,
  height integer NOT NULL,
  is_animated boolean DEFAULT false,
  version integer NOT NULL DEFAULT 1,
  is_current boolean DEFAULT true,
  uploaded_at timestamptz NOT NULL DEFAULT now(),
  uploaded_from_ip inet,
  uploaded_from_user_agent text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  PRIMARY KEY (id),
  FOREIGN KEY (user_id) REFERENCES shared.users (id) ON DELETE CASCADE
);

CREATE INDEX idx_user_avatars_current ON shared.user_avatars (user_id, is_current) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX idx_user_avatars_unique_current ON shared.user_avatars (user_id)
  WHERE is_current AND deleted_at IS NULL;
CREATE INDEX idx_user_avatars_uploaded_at ON shared.user_avatars (uploaded_at DESC);
CREATE INDEX idx_user_avatars_user_id ON shared.user_avatars (user_id) WHERE deleted_at IS NULL;
CREATE INDEX idx_user_avatars_version ON shared.user_avatars (user_id, version DESC) WHERE deleted_at IS NULL;
