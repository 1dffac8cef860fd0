-- Whose an alert is: its portfolio's owner, or the id of the API key that made it. NULL, as for alerts on a ticker from
-- before: the admins' alone.

ALTER TABLE alert ADD COLUMN owner text COLLATE "C";
UPDATE alert a SET owner = p.owner FROM portfolio p WHERE p.id = a.portfolio_id;
CREATE INDEX alert_owner ON alert (owner, created_at, id);
