-- What the owner answered to questions about stored data (a payment of 40 % of the price, a market value that does not
-- fit): each is asked once.

CREATE TABLE data_answer (
  ticker text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  day date NOT NULL,
  answer text NOT NULL,
  answered_by text NOT NULL,
  answered_at timestamptz NOT NULL,
  PRIMARY KEY (ticker, kind, day)
);
