-- Who did what, and how the jobs went.

-- Projected from the engine's event stream. (event_ms, event_seq) of the newest event fences out late ones.
CREATE TABLE job_run (
  id text COLLATE "C" PRIMARY KEY,
  name text,
  queue text,
  args jsonb,
  state text NOT NULL,
  attempt integer NOT NULL DEFAULT 0,
  deliveries integer NOT NULL DEFAULT 0,
  enqueued_at timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  error jsonb,
  workflow text COLLATE "C",
  event_ms bigint NOT NULL,
  event_seq bigint NOT NULL
);
CREATE INDEX job_run_time ON job_run (event_ms DESC, id);
CREATE INDEX job_run_queue ON job_run (queue, event_ms DESC);
CREATE INDEX job_run_name ON job_run (name, event_ms DESC);
CREATE INDEX job_run_workflow ON job_run (workflow) WHERE workflow IS NOT NULL;
CREATE INDEX job_run_unfinished ON job_run (event_ms) WHERE finished_at IS NULL;

CREATE TABLE api_key (
  id text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  key_hash bytea NOT NULL UNIQUE,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);

CREATE TABLE idempotency_key (
  owner text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  request_hash text NOT NULL,
  created_at timestamptz NOT NULL,
  status integer,
  headers jsonb,
  body bytea,
  PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_key_time ON idempotency_key (created_at);

CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  request_id text,
  detail jsonb NOT NULL
);
CREATE INDEX audit_log_time ON audit_log (at);
