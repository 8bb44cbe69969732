-- What an owner said was nothing. The clip's own row says why it was kept; both go together.
CREATE TABLE clip_nothings (
  clip TEXT PRIMARY KEY REFERENCES clips (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
