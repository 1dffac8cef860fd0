-- What a booked fact needs to be matched, corrected and declared: its costs, its institution, what it gave, its import.

CREATE TABLE portfolio_import (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  portfolio_id text COLLATE "C" NOT NULL REFERENCES portfolio ON DELETE CASCADE,
  imported_at timestamptz NOT NULL DEFAULT now(),
  layout text NOT NULL
);
CREATE INDEX portfolio_import_order ON portfolio_import (portfolio_id, id);

ALTER TABLE portfolio_transaction
  ADD COLUMN fees numeric NOT NULL DEFAULT 0,
  ADD COLUMN broker text NOT NULL DEFAULT '',
  ADD COLUMN other text COLLATE "C",
  ADD COLUMN shares numeric,
  ADD COLUMN place integer NOT NULL DEFAULT 0,
  ADD COLUMN import_id bigint REFERENCES portfolio_import ON DELETE SET NULL;
CREATE INDEX portfolio_transaction_import ON portfolio_transaction (import_id) WHERE import_id IS NOT NULL;

-- What its owner sets: whether known events confirm themselves, and what the tax needs from before.
ALTER TABLE portfolio ADD COLUMN options jsonb NOT NULL DEFAULT '{}';

-- Known events of what was held that nobody booked, until somebody confirms or declines them.
CREATE TABLE portfolio_proposal (
  portfolio_id text COLLATE "C" NOT NULL REFERENCES portfolio ON DELETE CASCADE,
  key text COLLATE "C" NOT NULL,
  state text NOT NULL DEFAULT 'open',
  proposed_at timestamptz NOT NULL DEFAULT now(),
  body jsonb NOT NULL,
  PRIMARY KEY (portfolio_id, key)
);

-- A user's own names for the columns of their files.
CREATE TABLE statement_mapping (
  owner text COLLATE "C" NOT NULL,
  header text NOT NULL,
  meaning text NOT NULL,
  PRIMARY KEY (owner, header)
);
