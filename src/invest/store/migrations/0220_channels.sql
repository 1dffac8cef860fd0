-- Ways to reach people, and what each of them is still to be told. An address is a secret: no listing, export or log
-- reads its column; jobs name the channel, never the address.

CREATE TABLE channel (
  id text COLLATE "C" PRIMARY KEY,
  owner text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  active boolean NOT NULL DEFAULT true,
  occasions text[] NOT NULL,
  body jsonb NOT NULL,
  address text NOT NULL,
  signing_key text,
  last_sent_at timestamptz,
  last_error text
);
CREATE INDEX channel_owner ON channel (owner, created_at, id);

-- Once per channel and cause. A row without sent_at is owed; failed_at: given up, until somebody runs its job again.
CREATE TABLE notice (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel_id text COLLATE "C" NOT NULL REFERENCES channel (id) ON DELETE CASCADE,
  key text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  body jsonb NOT NULL,
  sent_at timestamptz,
  failed_at timestamptz,
  UNIQUE (channel_id, key)
);
CREATE INDEX notice_owed ON notice (channel_id, id) WHERE sent_at IS NULL;
CREATE INDEX notice_age ON notice (created_at);
