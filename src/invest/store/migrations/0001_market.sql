-- What was collected: identities, bytes, observations, prices, corporate actions, filings, news, macro series.
-- Tickers and hashes sort by bytes (COLLATE "C"): cheaper, and the same on every server.

CREATE TABLE asset (
  ticker text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL,
  name text,
  cnpj text,
  cvm_code integer,
  isin text,
  sector text,
  segment text,
  active boolean NOT NULL DEFAULT true,
  successor text COLLATE "C",
  shares_outstanding numeric,
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX asset_kind ON asset (kind, ticker) WHERE active;
CREATE INDEX asset_cnpj ON asset (cnpj) WHERE cnpj IS NOT NULL;
CREATE INDEX asset_cvm_code ON asset (cvm_code) WHERE cvm_code IS NOT NULL;

CREATE TABLE ticker_change (
  old_ticker text COLLATE "C" NOT NULL,
  new_ticker text COLLATE "C" NOT NULL CHECK (new_ticker <> old_ticker),
  changed_on date NOT NULL,
  ratio numeric NOT NULL DEFAULT 1 CHECK (ratio > 0),  -- new shares per old one
  source text NOT NULL,
  PRIMARY KEY (old_ticker, changed_on)
);

-- The bytes as they came, once each; compressed by the server (TOAST).
CREATE TABLE raw_payload (
  sha256 text COLLATE "C" PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  source text NOT NULL,
  url text NOT NULL,
  fetched_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  status integer NOT NULL,
  content_type text NOT NULL,
  etag text,
  last_modified text,
  size bigint NOT NULL,
  sandbox boolean NOT NULL DEFAULT false,
  body bytea
);
CREATE INDEX raw_payload_seen ON raw_payload (last_seen_at);

-- The newest answer of each address, for conditional requests.
CREATE TABLE upstream_answer (
  url_hash text COLLATE "C" PRIMARY KEY,
  url text NOT NULL,
  sha256 text COLLATE "C" NOT NULL,
  etag text,
  last_modified text,
  fetched_at timestamptz NOT NULL
);

CREATE TABLE observation (
  ticker text COLLATE "C" NOT NULL,
  field text COLLATE "C" NOT NULL,
  basis text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  as_of timestamptz NOT NULL,
  value numeric NOT NULL,
  unit text NOT NULL,
  payload text COLLATE "C" NOT NULL,
  fetched_at timestamptz NOT NULL,
  official boolean NOT NULL,
  rank integer NOT NULL,
  PRIMARY KEY (ticker, field, basis, source, as_of)
);
CREATE INDEX observation_fetched ON observation (fetched_at);

-- The value in force per field. `consensus_check` is the newest outcome, kept or not, and why.
CREATE TABLE consensus (
  ticker text COLLATE "C" NOT NULL,
  field text COLLATE "C" NOT NULL,
  basis text COLLATE "C" NOT NULL,
  value numeric,
  as_of timestamptz NOT NULL,
  confidence double precision NOT NULL,
  divergent boolean NOT NULL,
  quarantined boolean NOT NULL,
  payload text COLLATE "C",
  chosen_at timestamptz NOT NULL,
  body jsonb NOT NULL,
  PRIMARY KEY (ticker, field, basis)
);
CREATE INDEX consensus_divergent ON consensus (ticker, field) WHERE divergent;

CREATE TABLE consensus_check (
  ticker text COLLATE "C" NOT NULL,
  field text COLLATE "C" NOT NULL,
  basis text COLLATE "C" NOT NULL,
  chosen_at timestamptz NOT NULL,
  body jsonb NOT NULL,
  PRIMARY KEY (ticker, field, basis)
);

-- Daily bars as traded. `bar_origin` says whose they are; `bar_block` holds the same bars packed for reading:
-- rows of seven big-endian doubles (day since 1970-01-01, open, high, low, close, volume, turnover), one block
-- per asset and year, written in the transaction that writes the rows. `bar_series` is locked by every writer.
CREATE TABLE bar_origin (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  payload text COLLATE "C" NOT NULL,
  official boolean NOT NULL,
  rank integer NOT NULL,
  fetched_at timestamptz NOT NULL,
  UNIQUE (payload, source)
);

CREATE TABLE bar (
  ticker text COLLATE "C" NOT NULL,
  day date NOT NULL,
  open numeric,
  high numeric,
  low numeric,
  close numeric NOT NULL,
  volume bigint,
  turnover numeric,
  trades integer,
  origin integer NOT NULL,
  PRIMARY KEY (ticker, day),
  -- NaN sorts above Infinity, so each line refuses both.
  CONSTRAINT bar_close_is_a_price CHECK (close > 0 AND close < 'Infinity'),
  CONSTRAINT bar_figures_are_finite CHECK (
    open >= 0 AND open < 'Infinity' AND high >= 0 AND high < 'Infinity' AND low >= 0 AND low < 'Infinity'
    AND volume >= 0 AND turnover >= 0 AND turnover < 'Infinity' AND trades >= 0)
);

CREATE TABLE bar_block (
  ticker text COLLATE "C" NOT NULL,
  year smallint NOT NULL,
  data bytea NOT NULL,
  PRIMARY KEY (ticker, year)
);
ALTER TABLE bar_block ALTER COLUMN data SET STORAGE EXTERNAL;  -- read whole and often: not compressed

CREATE TABLE bar_series (
  ticker text COLLATE "C" PRIMARY KEY,
  first_day date,
  last_day date
);

CREATE TABLE corporate_action (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ticker text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  last_date_with date NOT NULL,
  payment_date date,
  amount numeric,
  factor numeric,
  source text NOT NULL,
  payload text COLLATE "C" NOT NULL,
  official boolean NOT NULL,
  rank integer NOT NULL
);
CREATE UNIQUE INDEX corporate_action_once ON corporate_action (
  ticker, last_date_with, kind, source, coalesce(payment_date, '-infinity'), coalesce(amount, 0), coalesce(factor, 0)
);

CREATE TABLE filing (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cnpj text COLLATE "C" NOT NULL,
  cvm_code integer NOT NULL,
  company text NOT NULL,
  form text NOT NULL,
  reference_date date NOT NULL,
  version integer NOT NULL,
  received_on date,
  UNIQUE (cnpj, form, reference_date, version)
);
CREATE INDEX filing_cvm_code ON filing (cvm_code);

CREATE TABLE statement_line (
  filing bigint NOT NULL REFERENCES filing ON DELETE CASCADE,
  statement text COLLATE "C" NOT NULL,
  consolidated boolean NOT NULL,
  period_start date,
  period_end date NOT NULL,
  account text COLLATE "C" NOT NULL,
  description text NOT NULL,
  value numeric NOT NULL,
  payload text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX statement_line_once ON statement_line (
  filing, statement, consolidated, account, period_end, coalesce(period_start, '-infinity')
);

CREATE TABLE news_item (
  id text COLLATE "C" PRIMARY KEY,
  title text NOT NULL,
  link text,
  outlet text NOT NULL,
  summary text NOT NULL,
  published_at timestamptz,
  fetched_at timestamptz NOT NULL,
  source text NOT NULL,
  payload text COLLATE "C" NOT NULL,
  tickers text[] NOT NULL,
  sentiment double precision
);
CREATE INDEX news_item_tickers ON news_item USING gin (tickers);
CREATE INDEX news_item_time ON news_item ((coalesce(published_at, fetched_at)) DESC);

CREATE TABLE macro_point (
  series text COLLATE "C" NOT NULL,
  day date NOT NULL,
  value numeric NOT NULL,
  source text NOT NULL,
  payload text COLLATE "C" NOT NULL,
  rank integer NOT NULL,
  PRIMARY KEY (series, day)
);
