/**
 * One record of an import, from its text: a bad one is reported and harms no other.
 *
 * Here it is decided whether the text is a record at all; what the record says is the store's to judge. No detail
 * quotes a value, since it is about a person.
 *
 * @module
 */
import { hasControlCharacter } from '@adieu/core';
import type { ProfileRecord } from '@adieu/store';
import { z } from 'zod';
import { parseJson } from '../json-text.ts';

export type ReadRecord =
  | { readonly ok: true; readonly record: Omit<ProfileRecord, 'line'> }
  | { readonly ok: false; readonly code: string; readonly detail: string };

/** A record as the description shows it. */
export const ProfileRecordSchema = z
  .strictObject({
    identities: z
      .record(z.string(), z.string())
      .describe('By namespace, such as `CRMID` or `Email`; at least one'),
    attributes: z.record(z.string(), z.unknown()).optional(),
    consents: z.record(z.string(), z.unknown()).optional().describe('XDM consents and preferences'),
  })
  .describe('A profile: who, what is known, what was consented to');

const FIELDS = new Set(['identities', 'attributes', 'consents']);
/** Characters of a caller's own words that a detail repeats: an answer names many records. */
const SHOWN = 100;

/** Reads the text of one record. Never throws. */
export function readRecord(text: string): ReadRecord {
  const json = parseJson(text);
  if (!json.ok) return json;
  const record = json.value;
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    return { ok: false, code: 'invalid_record', detail: 'A record is a JSON object.' };
  }
  const stranger = Object.keys(record).find((key) => !FIELDS.has(key));
  if (stranger !== undefined) {
    const shown = JSON.stringify(stranger.slice(0, SHOWN));
    return { ok: false, code: 'unknown_field', detail: `There is no field ${shown} here.` };
  }
  if ('identities' in record && hasControl(record.identities)) {
    return { ok: false, code: 'identity_invalid', detail: 'An identity holds a control character.' };
  }
  return { ok: true, record };
}

function hasControl(identities: unknown): boolean {
  if (typeof identities !== 'object' || identities === null) return false;
  return Object.entries(identities).some(([namespace, id]) =>
    hasControlCharacter(`${namespace}${String(id)}`),
  );
}
