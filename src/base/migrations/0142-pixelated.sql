-- What the hub covered in a file of a blurred copy that it made; null for what it did not make.
ALTER TABLE clip_files ADD COLUMN pixelated TEXT CHECK (pixelated IN ('faces', 'whole'));
