-- What the operator has paused: a Redis that lost its data gets it back before its jobs.

CREATE TABLE engine_pause (
  kind text NOT NULL CHECK (kind IN ('queue', 'schedule')),
  name text NOT NULL,
  PRIMARY KEY (kind, name)
);
