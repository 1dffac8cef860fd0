-- Which assets the first collection of a market has stored, and up to which session: what it goes on from.
CREATE TABLE collected_asset (
  ticker text COLLATE "C" PRIMARY KEY,
  session date NOT NULL,
  done_at timestamptz NOT NULL DEFAULT now()
);
