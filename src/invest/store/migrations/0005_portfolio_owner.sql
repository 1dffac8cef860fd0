-- Whose a portfolio is: the id of the API key that created it. NULL, as for those from before: the admins' alone.

ALTER TABLE portfolio ADD COLUMN owner text COLLATE "C";
CREATE INDEX portfolio_owner ON portfolio (owner, created_at, id);
