-- What was computed, said, written and spent.

CREATE TABLE analysis (
  analysis_id text COLLATE "C" PRIMARY KEY,
  ticker text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  analyzed_at timestamptz NOT NULL,
  overall_score double precision,
  recommendation text NOT NULL,
  coverage double precision NOT NULL,
  body jsonb NOT NULL
);
CREATE INDEX analysis_latest ON analysis (ticker, analyzed_at DESC);

CREATE TABLE ranking (
  market text PRIMARY KEY,
  computed_at timestamptz NOT NULL,
  body jsonb NOT NULL
);

-- Opinions are frozen when they are given: never changed, never deleted. Their outcomes come later, beside them.
CREATE TABLE opinion (
  opinion_id text COLLATE "C" PRIMARY KEY,
  ticker text COLLATE "C" NOT NULL,
  provider text NOT NULL,
  model text,
  status text NOT NULL,
  asked_at timestamptz NOT NULL,
  prompt_hash text COLLATE "C" NOT NULL,
  data_hash text COLLATE "C" NOT NULL,
  sandbox boolean NOT NULL,
  body jsonb NOT NULL,
  raw_prompt bytea NOT NULL,
  raw_answer bytea NOT NULL
);
CREATE INDEX opinion_ticker ON opinion (ticker, asked_at DESC);
CREATE INDEX opinion_asked ON opinion (asked_at);
CREATE INDEX opinion_prompt ON opinion (prompt_hash, provider, asked_at DESC);

CREATE TABLE opinion_consensus (
  id text COLLATE "C" PRIMARY KEY,
  ticker text COLLATE "C" NOT NULL,
  asked_at timestamptz NOT NULL,
  sandbox boolean NOT NULL,
  body jsonb NOT NULL
);
CREATE INDEX opinion_consensus_ticker ON opinion_consensus (ticker, asked_at DESC);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER opinion_frozen BEFORE UPDATE OR DELETE ON opinion FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER opinion_consensus_frozen BEFORE UPDATE OR DELETE ON opinion_consensus
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- One row per closed call and horizon. Written once.
CREATE TABLE opinion_outcome (
  opinion_id text COLLATE "C" NOT NULL,
  horizon_days integer NOT NULL,
  provider text NOT NULL,
  model text,
  ticker text COLLATE "C" NOT NULL,
  probability double precision NOT NULL,
  rating text,
  entry_day date NOT NULL,
  exit_day date NOT NULL,
  entry_price numeric,
  exit_price numeric,
  total_return double precision NOT NULL,
  benchmark_return double precision NOT NULL,
  excess double precision NOT NULL,
  beat boolean NOT NULL,
  reason text,
  closed_at timestamptz NOT NULL,
  PRIMARY KEY (opinion_id, horizon_days)
);
CREATE INDEX opinion_outcome_provider ON opinion_outcome (provider, horizon_days, entry_day);
CREATE TRIGGER opinion_outcome_frozen BEFORE UPDATE OR DELETE ON opinion_outcome
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE report (
  report_id text COLLATE "C" PRIMARY KEY,
  report_type text NOT NULL,
  tickers text[] NOT NULL,
  portfolio_id text COLLATE "C",
  language text NOT NULL,
  ai_provider text,
  generated_at timestamptz NOT NULL,
  sandbox boolean NOT NULL,
  kept boolean NOT NULL DEFAULT false,
  view jsonb NOT NULL,
  content text NOT NULL
);
CREATE INDEX report_time ON report (generated_at DESC, report_id);
CREATE INDEX report_tickers ON report USING gin (tickers);
CREATE INDEX report_portfolio ON report (portfolio_id, generated_at DESC) WHERE portfolio_id IS NOT NULL;

CREATE TABLE report_export (
  report_id text COLLATE "C" NOT NULL REFERENCES report ON DELETE CASCADE,
  format text NOT NULL,
  include_charts boolean NOT NULL,
  filename text NOT NULL,
  content_type text NOT NULL,
  sha256 text NOT NULL,
  size bigint NOT NULL,
  exported_at timestamptz NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (report_id, format, include_charts)
);

-- What the AIs cost, one row per call, so that a repeated write counts once.
CREATE TABLE ai_call (
  call_id text COLLATE "C" PRIMARY KEY,
  day date NOT NULL,
  provider text NOT NULL,
  model text,
  purpose text NOT NULL,
  tokens_in bigint NOT NULL,
  tokens_out bigint NOT NULL,
  cost_usd numeric NOT NULL CHECK (cost_usd >= 0)
);
CREATE INDEX ai_call_day ON ai_call (day, provider);
