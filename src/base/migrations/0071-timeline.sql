-- How many clips began in each hour: what a time line of years is drawn from. Kept by the rows of
-- `clips` themselves, so that no part of the hub can forget to.
CREATE TABLE clip_hours (
  -- Since 1970, UTC.
  hour INTEGER NOT NULL,
  camera TEXT NOT NULL,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL CHECK (count >= 0),
  PRIMARY KEY (hour, camera, kind)
) STRICT, WITHOUT ROWID;

INSERT INTO clip_hours (hour, camera, kind, count)
SELECT started_at_ms / 3600000, camera, kind, count(*) FROM clips GROUP BY 1, 2, 3;

CREATE TRIGGER clips_into_hour AFTER INSERT ON clips
BEGIN
  INSERT INTO clip_hours VALUES (NEW.started_at_ms / 3600000, NEW.camera, NEW.kind, 1)
    ON CONFLICT (hour, camera, kind) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER clips_out_of_hour AFTER DELETE ON clips
BEGIN
  UPDATE clip_hours SET count = count - 1
    WHERE hour = OLD.started_at_ms / 3600000 AND camera = OLD.camera AND kind = OLD.kind;
  DELETE FROM clip_hours
    WHERE hour = OLD.started_at_ms / 3600000 AND camera = OLD.camera AND kind = OLD.kind
      AND count = 0;
END;
CREATE TRIGGER clips_to_another_hour AFTER UPDATE OF started_at_ms, camera, kind ON clips
BEGIN
  UPDATE clip_hours SET count = count - 1
    WHERE hour = OLD.started_at_ms / 3600000 AND camera = OLD.camera AND kind = OLD.kind;
  DELETE FROM clip_hours
    WHERE hour = OLD.started_at_ms / 3600000 AND camera = OLD.camera AND kind = OLD.kind
      AND count = 0;
  INSERT INTO clip_hours VALUES (NEW.started_at_ms / 3600000, NEW.camera, NEW.kind, 1)
    ON CONFLICT (hour, camera, kind) DO UPDATE SET count = count + 1;
END;

-- In the order of time, the newest sequence last where two began in the same millisecond.
CREATE INDEX clips_by_time ON clips (started_at_ms);
CREATE INDEX clips_by_camera ON clips (camera, started_at_ms);
CREATE INDEX clips_by_kind ON clips (kind, started_at_ms);
CREATE INDEX clips_by_camera_kind ON clips (camera, kind, started_at_ms);
