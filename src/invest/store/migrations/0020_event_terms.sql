-- Events keep their terms and the word of their source. Equal payments of one day are several rows, told apart by `n`
-- among what one source says of one day and kind.

ALTER TABLE corporate_action
  ADD COLUMN n smallint NOT NULL DEFAULT 1,
  ADD COLUMN label text,
  ADD COLUMN approved_on date,
  ADD COLUMN other text,
  ADD COLUMN ratio numeric,
  ADD COLUMN price numeric,
  ADD COLUMN price_factor numeric;
DROP INDEX corporate_action_once;
UPDATE corporate_action c SET n = x.n
FROM (SELECT id, row_number() OVER (PARTITION BY ticker, last_date_with, kind, source ORDER BY id) AS n
      FROM corporate_action) x
WHERE x.id = c.id AND x.n > 1;
CREATE UNIQUE INDEX corporate_action_once ON corporate_action (ticker, last_date_with, kind, source, n);

-- False: the old paper was merged into one with a history of its own.
ALTER TABLE ticker_change ADD COLUMN continues boolean NOT NULL DEFAULT true;
