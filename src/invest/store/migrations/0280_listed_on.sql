-- The last day on which B3's file had a paper: one that it has not had for long trades no more. Today for those on
-- record: how long they have been silent was not kept.
ALTER TABLE asset ADD COLUMN listed_on date;
UPDATE asset SET listed_on = current_date WHERE active;
