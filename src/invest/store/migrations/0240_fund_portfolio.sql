-- What a fund holds by its newest quarterly report: one row per fund, replaced as a whole by a newer report.
CREATE TABLE fund_portfolio (
  ticker text PRIMARY KEY,
  as_of date NOT NULL,
  positions jsonb NOT NULL,
  source text NOT NULL,
  payload text NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now()
);
