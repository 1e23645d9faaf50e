-- Mail that comes back: what was heard already, soft bounces in a row, and mail that a person has to read.

-- Soft bounces in a row after which an address is suppressed.
ALTER TABLE sandbox ADD COLUMN soft_bounce_threshold smallint NOT NULL DEFAULT 5,
  ADD CONSTRAINT sandbox_soft_bounce_threshold CHECK (soft_bounce_threshold BETWEEN 1 AND 20);

-- A row while an address bounces softly, so nearly nobody has one. `accepted`: messages that a relay has taken since the last that
-- bounced; one that is still there when a later one bounces was a success.
CREATE TABLE soft_bounce (
  address_id bigint PRIMARY KEY,
  count smallint NOT NULL,
  accepted uuid[] NOT NULL DEFAULT '{}',
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT soft_bounce_count CHECK (count > 0)
) WITH (fillfactor = 50);

-- Reports that were acted upon, by a hash of token and report, so that one that comes twice counts once.
CREATE TABLE heard_report (
  sandbox_id integer NOT NULL REFERENCES sandbox (id),
  digest bytea NOT NULL,
  heard_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (sandbox_id, digest),
  CONSTRAINT heard_report_is_hashed CHECK (octet_length(digest) = 32)
);
CREATE INDEX heard_report_oldest ON heard_report (heard_at);

-- Mail to role addresses, and what nothing could be made of. `source`: its beginning. `mentions`: every address in it, also those
-- that an encoding hides, so that an erasure finds it.
CREATE TABLE review_mail (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sandbox_id integer NOT NULL REFERENCES sandbox (id),
  digest bytea NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  recipient text NOT NULL,
  why text NOT NULL,
  detail text,
  sender text,
  subject text,
  size integer NOT NULL,
  source text NOT NULL,
  mentions text[] NOT NULL,
  acknowledged_at timestamptz,
  CONSTRAINT review_mail_once UNIQUE (sandbox_id, digest),
  CONSTRAINT review_mail_is_bounded CHECK (octet_length(source) <= 262144),
  CONSTRAINT review_mail_why CHECK (why IN ('role', 'unverified', 'unknown_sender', 'no_report', 'malformed', 'no_token'))
);
CREATE INDEX review_mail_open ON review_mail (sandbox_id, id) WHERE acknowledged_at IS NULL;
CREATE INDEX review_mail_oldest ON review_mail (received_at);
