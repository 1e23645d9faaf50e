-- Inbound mail: evidence of complaints, and when mail last came in.

-- A complaint is evidence of its own, also where a no stood already.
ALTER TABLE consent_history DROP CONSTRAINT consent_history_value,
  ADD CONSTRAINT consent_history_value CHECK (
    from_value IN ('y', 'n', 'p', 'u', 'dy', 'dn', 'LI', 'CT', 'CP', 'VI', 'PI')
    AND to_value IN ('y', 'n', 'p', 'u', 'dy', 'dn', 'LI', 'CT', 'CP', 'VI', 'PI')
    AND (from_value <> to_value OR source = 'complaint'));

-- One row: when any inbound listener last took a canary, and a mail of anybody else. Whoever asks any process of this
-- installation learns that the listeners have fallen silent.
CREATE TABLE inbound_watch (
  single boolean PRIMARY KEY DEFAULT true,
  canary_at timestamptz,
  mail_at timestamptz,
  CONSTRAINT inbound_watch_is_one CHECK (single)
) WITH (fillfactor = 50);
INSERT INTO inbound_watch DEFAULT VALUES;
