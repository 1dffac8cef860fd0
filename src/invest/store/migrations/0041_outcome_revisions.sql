-- A closed call is closed again where a split, a payment or a correction came late: both values are kept, the newest counts.
ALTER TABLE opinion_outcome
  ADD COLUMN revision integer NOT NULL DEFAULT 1 CHECK (revision >= 1),
  ADD COLUMN revised_because text;
ALTER TABLE opinion_outcome DROP CONSTRAINT opinion_outcome_pkey;
ALTER TABLE opinion_outcome ADD PRIMARY KEY (opinion_id, horizon_days, revision);
