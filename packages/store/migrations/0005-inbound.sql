-- Inbound mail: evidence of complaints.

-- A complaint is evidence of its own, also where a no stood already.
ALTER TABLE consent_history DROP CONSTRAINT consent_history_value,
  ADD CONSTRAINT consent_history_value CHECK (
    from_value IN ('y', 'n', 'p', 'u', 'dy', 'dn', 'LI', 'CT', 'CP', 'VI', 'PI')
    AND to_value IN ('y', 'n', 'p', 'u', 'dy', 'dn', 'LI', 'CT', 'CP', 'VI', 'PI')
    AND (from_value <> to_value OR source = 'complaint'));
