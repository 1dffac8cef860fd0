-- Investments in fixed income, as they were agreed.

CREATE TABLE portfolio_bond (
  portfolio_id text COLLATE "C" NOT NULL REFERENCES portfolio ON DELETE CASCADE,
  id text COLLATE "C" NOT NULL,
  body jsonb NOT NULL,
  PRIMARY KEY (portfolio_id, id)
);
