-- One row that web processes write to see whether the server takes writes: a full disk or a standby does not.

CREATE TABLE readiness (id integer PRIMARY KEY CHECK (id = 1), at timestamptz NOT NULL);
INSERT INTO readiness VALUES (1, now());
