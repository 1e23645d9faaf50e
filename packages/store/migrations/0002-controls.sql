-- What an operator can say: hold an execution, hold everything, never mail an address, not so fast.

-- `expires_at`: what was never tried until then is not sent any more. Retries have their own period.
ALTER TABLE execution
  ADD COLUMN control text NOT NULL DEFAULT 'running',
  ADD COLUMN expires_at timestamptz,
  ADD COLUMN dry_result jsonb,
  ADD CONSTRAINT execution_control CHECK (control IN ('running', 'paused', 'cancelled')),
  ADD CONSTRAINT execution_dry_result CHECK (dry_result IS NULL OR dry_run);
UPDATE execution SET expires_at = created_at + interval '84 hours';
ALTER TABLE execution ALTER COLUMN expires_at SET NOT NULL;

-- One row: whether anything may be sent at all. `place`: where this database lives; elsewhere it is a copy.
CREATE TABLE installation (
  single boolean PRIMARY KEY DEFAULT true,
  place jsonb,
  paused_at timestamptz,
  paused_why text,
  restored_at timestamptz,
  CONSTRAINT installation_is_one CHECK (single),
  CONSTRAINT installation_pause_has_a_reason CHECK ((paused_at IS NULL) = (paused_why IS NULL))
);
INSERT INTO installation DEFAULT VALUES;

-- `beat` only ever grows, and each witness keeps its own outside the database: a database that knows a smaller one has
-- been restored, and what it says about people may be too old to act on.
CREATE TABLE witness (
  id uuid PRIMARY KEY,
  beat bigint NOT NULL,
  beat_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Executions whose messages may leave now. Claim, intent, lease renewal and sweep ask, nobody else decides.
CREATE FUNCTION sendable() RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT id FROM execution WHERE control = 'running' AND NOT EXISTS (SELECT FROM installation WHERE paused_at IS NOT NULL)
$$;
CREATE FUNCTION may_send(wanted bigint) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT EXISTS (SELECT FROM sendable() AS id WHERE id = wanted)
$$;

-- Suppressed and allowed addresses and domains, by comparison key. An address that is written here raises the
-- standing version of its row in the same transaction, so that an intent sees it; a domain counts from the next claim.
CREATE TABLE delivery_list (
  sandbox_id integer NOT NULL REFERENCES sandbox,
  list text NOT NULL,
  kind text NOT NULL,
  key text NOT NULL,
  spelling text NOT NULL,
  reason text NOT NULL DEFAULT 'manual',
  comment text,
  author text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (sandbox_id, list, kind, key),
  CONSTRAINT delivery_list_name CHECK (list IN ('suppressed', 'allowed')),
  CONSTRAINT delivery_list_kind CHECK (kind IN ('email', 'domain')),
  CONSTRAINT delivery_list_reason CHECK (reason IN ('manual', 'hard', 'soft', 'complaint')),
  CONSTRAINT delivery_list_names_something CHECK (key <> '')
);
-- For pages by time. An expression, so that no look for a key is ever planned through it.
CREATE INDEX delivery_list_newest ON delivery_list (sandbox_id, (list || kind), created_at, key);
ALTER TABLE sandbox ADD COLUMN allowed_list_active boolean NOT NULL DEFAULT false;

-- When the next message of a configuration may leave.
CREATE TABLE rate (
  sandbox_id integer NOT NULL REFERENCES sandbox,
  configuration_name text NOT NULL,
  free_at timestamptz NOT NULL,
  PRIMARY KEY (sandbox_id, configuration_name)
) WITH (fillfactor = 50);

-- `ends_at`: when the first of its open messages has to be ended without being sent; null when none is open.
-- `deaths`: leases in a row that were not given back, the present one included; for a message only while its batch is
-- taken one by one. What kills its worker is found, and ends.
ALTER TABLE batch
  ADD COLUMN ends_at timestamptz,
  ADD COLUMN deaths integer NOT NULL DEFAULT 0;
UPDATE batch b SET ends_at = e.expires_at FROM execution e
  WHERE e.id = b.execution_id AND (b.due_at IS NOT NULL OR b.lease_until IS NOT NULL);
CREATE INDEX batch_ends ON batch (ends_at) WHERE ends_at IS NOT NULL;
ALTER TABLE message ADD COLUMN deaths smallint NOT NULL DEFAULT 0;
