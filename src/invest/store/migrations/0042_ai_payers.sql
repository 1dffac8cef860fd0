-- Whose job a call was made for: the id of an API key. NULL for schedules and this machine.
ALTER TABLE ai_call ADD COLUMN payer text COLLATE "C";
