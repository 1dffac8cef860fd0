-- Portfolios: transactions are the truth, everything else is derived from them.

CREATE TABLE portfolio (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  created_at timestamptz NOT NULL,
  targets jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX portfolio_time ON portfolio (created_at, id);

CREATE TABLE portfolio_transaction (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  portfolio_id text COLLATE "C" NOT NULL REFERENCES portfolio ON DELETE CASCADE,
  day date NOT NULL,
  ticker text COLLATE "C",
  operation text NOT NULL,
  quantity numeric NOT NULL,
  price numeric NOT NULL,
  note text NOT NULL,
  origin text NOT NULL,        -- api, csv, negociacao, movimentacao, sinacor
  row_hash text COLLATE "C" NOT NULL,
  booked_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (portfolio_id, row_hash)
);
CREATE INDEX portfolio_transaction_order ON portfolio_transaction (portfolio_id, day, id);

CREATE TABLE portfolio_snapshot (
  portfolio_id text COLLATE "C" NOT NULL REFERENCES portfolio ON DELETE CASCADE,
  day date NOT NULL,
  calculated_at timestamptz NOT NULL,
  body jsonb NOT NULL,
  PRIMARY KEY (portfolio_id, day)
);

CREATE TABLE alert (
  id text COLLATE "C" PRIMARY KEY,
  portfolio_id text COLLATE "C" REFERENCES portfolio ON DELETE CASCADE,
  ticker text COLLATE "C",
  kind text NOT NULL,
  active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  body jsonb NOT NULL
);
CREATE INDEX alert_active ON alert (kind, ticker) WHERE active;

-- `occasion` makes one cause fire once however often the job runs.
CREATE TABLE alert_event (
  alert_id text COLLATE "C" NOT NULL REFERENCES alert ON DELETE CASCADE,
  occasion text COLLATE "C" NOT NULL,
  fired_at timestamptz NOT NULL,
  body jsonb NOT NULL,
  PRIMARY KEY (alert_id, occasion)
);
CREATE INDEX alert_event_time ON alert_event (fired_at DESC);
