-- Every door out: what a value means, policies, what people see of lists and senders, proof, and forgetting.

-- `value_meanings`: consent value to 'allow' or 'stop', where the sandbox says otherwise than the program.
ALTER TABLE sandbox ADD COLUMN value_meanings jsonb NOT NULL DEFAULT '{}',
  ADD CONSTRAINT sandbox_value_meanings CHECK (jsonb_typeof(value_meanings) = 'object');
UPDATE sandbox SET value_meanings = '{"p": "allow"}' WHERE pending_allows;
ALTER TABLE sandbox DROP COLUMN pending_allows;

-- Where one of its marketing actions applies, its condition has to hold.
CREATE TABLE policy (
  sandbox_id integer NOT NULL REFERENCES sandbox (id),
  id text NOT NULL,
  body jsonb NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (sandbox_id, id),
  CONSTRAINT policy_has_an_id CHECK (id <> ''),
  CONSTRAINT policy_body CHECK (jsonb_typeof(body) = 'object')
);

-- What people see of a list beside its title: titles by language, a description, its topic, whether it is open to all.
ALTER TABLE list ADD COLUMN body jsonb NOT NULL DEFAULT '{}',
  ADD CONSTRAINT list_body CHECK (jsonb_typeof(body) = 'object');

-- How the pages of a subdomain look and speak.
ALTER TABLE subdomain ADD COLUMN brand jsonb NOT NULL DEFAULT '{}',
  ADD CONSTRAINT subdomain_brand CHECK (jsonb_typeof(brand) = 'object');

-- `reference`: where the proof of a change lies, when an operator brought it.
ALTER TABLE consent_history ADD COLUMN reference text;

-- Who asked for what was known about a person, or for forgetting it. The person is a keyed hash: nobody can be read from it.
CREATE TABLE privacy_audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sandbox_id integer NOT NULL REFERENCES sandbox (id),
  act text NOT NULL,
  subject bytea NOT NULL,
  api_key_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  counts jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT privacy_audit_act CHECK (act IN ('export', 'erasure'))
);

-- Every name of who was erased, as a keyed hash too, so that nobody comes back by an import. `key_id`: the key of the ring
-- that made it. `suppressed`: why the address was on the suppression list. `audit_id`: by which erasure.
CREATE TABLE tombstone (
  sandbox_id integer NOT NULL REFERENCES sandbox (id),
  key_id smallint NOT NULL,
  hash bytea NOT NULL,
  suppressed text,
  erased_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  audit_id bigint NOT NULL REFERENCES privacy_audit (id),
  PRIMARY KEY (sandbox_id, key_id, hash),
  CONSTRAINT tombstone_is_hashed CHECK (octet_length(hash) = 32),
  CONSTRAINT tombstone_suppressed CHECK (suppressed IN ('manual', 'hard', 'soft', 'complaint'))
);

-- By the time of the write, under the lock, and not by when the transaction began: what came before an erasure is older.
ALTER TABLE profile ALTER COLUMN created_at SET DEFAULT clock_timestamp();

-- A message of somebody erased is counted, and is nobody's: its identity is empty, whatever became of it.
ALTER TABLE message DROP CONSTRAINT message_goes_to_somebody;
ALTER TABLE message ADD CONSTRAINT message_goes_to_somebody
  CHECK (state = 'excluded' OR identity = '' OR (profile_id IS NOT NULL AND address_id IS NOT NULL));
-- For an erasure: what names a person beside the rows of the person.
CREATE INDEX message_of_nobody ON message (lower(identity)) WHERE profile_id IS NULL;
CREATE INDEX identity_former ON identity (profile_id) WHERE NOT current;

-- What is expanded is kept as messages alone.
UPDATE execution SET recipients = '[]' WHERE recipients IS NOT NULL AND expanded_at IS NOT NULL;
UPDATE execution SET audience = '{}' WHERE audience IS NOT NULL AND expanded_at IS NOT NULL;
