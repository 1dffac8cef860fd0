-- What a receipt of a foreign paper stands for, by the document of its programme: one row per receipt.
CREATE TABLE receipt_programme (
  ticker text COLLATE "C" PRIMARY KEY,
  symbol text NOT NULL,
  exchange text,
  currency text,
  isin text,
  backing text NOT NULL,
  receipts integer NOT NULL,
  papers integer NOT NULL,
  as_of date NOT NULL,
  source text NOT NULL,
  payload text NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now()
);
