-- Steps of a backfill of history that are done: `scope` names the kind of file and the set of assets it was read for.

CREATE TABLE backfill_step (
  scope text COLLATE "C" NOT NULL,
  year integer NOT NULL,
  rows bigint NOT NULL,
  seconds double precision NOT NULL,
  done_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, year)
);
