-- SHA-256 of what a subscription's browser looks up notices with, and nothing else; null where it was
-- stored before there was one.
ALTER TABLE push_subscriptions ADD COLUMN secret_sha256 TEXT CHECK (length(secret_sha256) = 64);
CREATE UNIQUE INDEX push_subscriptions_by_secret ON push_subscriptions (secret_sha256);
