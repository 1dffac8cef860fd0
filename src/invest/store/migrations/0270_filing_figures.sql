-- Each time a filing is stored its revision grows, whichever release stores it: what was read from its lines is of one.
ALTER TABLE filing ADD COLUMN revision bigint NOT NULL DEFAULT 0;
CREATE FUNCTION next_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.revision := OLD.revision + 1;
  RETURN NEW;
END $$;
CREATE TRIGGER filing_revised BEFORE UPDATE ON filing FOR EACH ROW EXECUTE FUNCTION next_revision();

-- The named amounts of a filing, read from its lines once. `rules` tells which release's reading they are.
CREATE TABLE filing_figures (
  filing bigint PRIMARY KEY REFERENCES filing ON DELETE CASCADE,
  revision bigint NOT NULL,
  rules text COLLATE "C" NOT NULL,
  figures json NOT NULL
);
