-- Jobs by what their arguments name, so that what is deleted takes their traces along.

CREATE INDEX job_run_portfolio ON job_run ((args -> 'kwargs' ->> 'portfolio_id'))
  WHERE args -> 'kwargs' ? 'portfolio_id';
CREATE INDEX job_run_report ON job_run ((args -> 'kwargs' ->> 'report_id')) WHERE args -> 'kwargs' ? 'report_id';
CREATE INDEX job_run_lists ON job_run (id)
  WHERE args -> 'kwargs' ? 'portfolio_ids' OR args -> 'kwargs' ? 'report_ids';
CREATE INDEX job_run_caller ON job_run ((args ->> 'by')) WHERE args ? 'by';
