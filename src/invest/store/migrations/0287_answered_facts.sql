-- What an answer was given to: a question is asked again where its figures changed. NULL: kept before, it settles the day.

ALTER TABLE data_answer ADD COLUMN facts text[];
