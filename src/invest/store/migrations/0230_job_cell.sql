-- The cell whose Redis a job is on ('' the first): a cell that was lost gets its own jobs back, and no others.

ALTER TABLE job_run ADD COLUMN cell text NOT NULL DEFAULT '';
