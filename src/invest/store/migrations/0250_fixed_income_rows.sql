-- Rows of statements about fixed income, and what their owner says of a paper that no statement tells.

CREATE TABLE portfolio_paper_row (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  portfolio_id text COLLATE "C" NOT NULL REFERENCES portfolio ON DELETE CASCADE,
  import_id bigint REFERENCES portfolio_import ON DELETE SET NULL,
  bond_id text COLLATE "C" NOT NULL,
  day date NOT NULL,
  body jsonb NOT NULL
);
CREATE INDEX portfolio_paper_row_order ON portfolio_paper_row (portfolio_id, day, id);
CREATE INDEX portfolio_paper_row_import ON portfolio_paper_row (import_id) WHERE import_id IS NOT NULL;

CREATE TABLE portfolio_paper_terms (
  portfolio_id text COLLATE "C" NOT NULL REFERENCES portfolio ON DELETE CASCADE,
  bond_id text COLLATE "C" NOT NULL,
  body jsonb NOT NULL,
  PRIMARY KEY (portfolio_id, bond_id)
);
