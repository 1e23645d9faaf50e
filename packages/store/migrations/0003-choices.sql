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

-- Who was erased, as a keyed hash: nobody can be read from it, and nobody comes back by an import. `key_id`: the key
-- of the ring that made it. `suppressed`: why the address was on the suppression list.
CREATE TABLE tombstone (
  sandbox_id integer NOT NULL REFERENCES sandbox (id),
  hash bytea NOT NULL,
  key_id smallint NOT NULL,
  suppressed text,
  erased_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (sandbox_id, hash),
  CONSTRAINT tombstone_is_hashed CHECK (octet_length(hash) = 32),
  CONSTRAINT tombstone_suppressed CHECK (suppressed IN ('manual', 'hard', 'soft', 'complaint'))
);

-- Who asked for what was known about a person, or for forgetting it. The person is a keyed hash here too.
CREATE TABLE privacy_audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sandbox_id integer NOT NULL REFERENCES sandbox (id),
  act text NOT NULL,
  subject bytea NOT NULL,
  api_key_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  counts jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT privacy_audit_act CHECK (act IN ('export', 'erasure'))
);
