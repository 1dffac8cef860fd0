-- A call on a real-estate fund is about the IFIX, others about the IBOV, as all of them were before.
ALTER TABLE opinion_outcome ADD COLUMN index_label text NOT NULL DEFAULT 'IBOV';
