-- More than one person switched the camera off by hand: only an owner switches it on before its end.
ALTER TABLE camera_privacy ADD COLUMN
  hand_is_shared INTEGER NOT NULL DEFAULT 0 CHECK (hand_is_shared IN (0, 1));
