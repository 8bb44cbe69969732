-- 0 from before a part is put until the carrier has said that it has it: what was put, and the answer
-- lost, is put again under the same name, and removed like any other.
ALTER TABLE mailbox_parts ADD COLUMN is_there INTEGER NOT NULL DEFAULT 1 CHECK (is_there IN (0, 1));
-- Where all of this lies, so that it can be removed after the settings have named another place, or
-- none; null where it was put before this was remembered. No login.
ALTER TABLE mailbox_place ADD COLUMN kind TEXT CHECK (kind IN ('webdav', 'ntfy'));
ALTER TABLE mailbox_place ADD COLUMN url TEXT CHECK (length(url) <= 300);
