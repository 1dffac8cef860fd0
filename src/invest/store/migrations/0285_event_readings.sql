-- When a source's events of a paper were last read whole, and what its quotes were marked with then.
CREATE TABLE event_reading (
  ticker text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  read_on date NOT NULL,
  mark text,
  PRIMARY KEY (ticker, source)
);
