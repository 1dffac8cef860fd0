-- The part of the cost that goes with the papers of a spin-off, as the company published it, and where.
ALTER TABLE corporate_action ADD COLUMN cost_share numeric CHECK (cost_share > 0 AND cost_share < 1);
ALTER TABLE corporate_action ADD COLUMN cost_source text;
