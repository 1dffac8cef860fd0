-- The ledger of AI calls: who answered, which key paid (a mark of it, never the key), and how the call ended.
ALTER TABLE ai_call
  ADD COLUMN asked_at timestamptz,
  ADD COLUMN vendor text,
  ADD COLUMN model_asked text,
  ADD COLUMN key_mark text,
  ADD COLUMN outcome text NOT NULL DEFAULT 'answered',
  ADD COLUMN price_version text,
  ADD COLUMN seconds double precision;
