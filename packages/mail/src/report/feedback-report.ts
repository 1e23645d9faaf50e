/**
 * Complaints: the abuse reporting format (RFC 5965), and what Microsoft's JMRP sends in its place.
 *
 * The rule: a report that breaks the format is no complaint. `Feedback-Type`, `User-Agent` and `Version` stand exactly
 * once, other single fields at most once (section 3.1, 3.2); a person's good name does not hang on a guess (BC-12).
 * `not-spam` and `auth-failure` say nothing against anybody (BC-10). Addresses may be redacted (RFC 6590).
 *
 * @module
 */
import { fieldsOf, type RawField } from '../inspect/field-reader.ts';
import { oneLine } from './diagnosis.ts';
import {
  type Entity,
  fieldsInText,
  fieldValue,
  type Part,
  readEmbeddedFields,
  subjectOf,
  textOf,
} from './entity.ts';
import { bareAddress, firstAddress } from './recipient-address.ts';
import type { Reading, ReportedRecipient, ReportKind } from './report.ts';
import { RETURNED_MEDIA } from './text-bounce.ts';

/** Recipients of one complaint that are told apart. */
const RECIPIENT_LIMIT = 100;
const ONCE = ['Feedback-Type', 'User-Agent', 'Version'];
const AT_MOST_ONCE = [
  'Original-Envelope-Id',
  'Original-Mail-From',
  'Arrival-Date',
  'Received-Date',
  'Reporting-MTA',
  'Source-IP',
  'Incidents',
];
/** Section 7.3; `opt-out` and `opt-out-list` of its drafts are still sent by some. */
export const COMPLAINTS = new Set(['abuse', 'fraud', 'virus', 'other', 'opt-out', 'opt-out-list']);
const NO_COMPLAINTS = new Set(['not-spam', 'auth-failure', 'dmarc', 'miscategorized']);

/** Reads a complaint; null when the mail is none by its form. */
export function readFeedbackReport(entity: Entity): Reading | null {
  const part = entity.parts.find(({ media }) => media === 'message/feedback-report');
  if (part !== undefined) return readReport(entity, part);
  return /\breport-type\s*=\s*"?feedback-report/i.test(fieldValue(entity, 'Content-Type'))
    ? nothing('malformed', ['no message/feedback-report'])
    : readForwarded(entity);
}

function readReport(entity: Entity, part: Part): Reading {
  const fields = fieldsInText(textOf(part).trimStart());
  const type = oneLine(fieldValue({ fields }, 'Feedback-Type')).toLowerCase().slice(0, 100);
  const faults = faultsOf(fields);
  if (faults.length > 0) return nothing(type || 'malformed', faults);
  if (NO_COMPLAINTS.has(type)) return nothing(type, []);
  if (!COMPLAINTS.has(type)) return nothing(type, [`the feedback type ${type} is not known`]);
  const removed = fieldsOf({ fields }, 'Removal-Recipient');
  const named = [...fieldsOf({ fields }, 'Original-Rcpt-To'), ...removed].slice(0, RECIPIENT_LIMIT);
  const addresses = named.map(({ value }) => bareAddress(value));
  const reason = `${type}, reported by ${oneLine(fieldValue({ fields }, 'User-Agent')).slice(0, 100)}`;
  return {
    feedbackType: type.startsWith('opt-out') ? 'opt-out' : type,
    recipients: toRecipients(addresses.length > 0 ? addresses : [recipientOfOriginal(entity)], {
      kind: 'complaint',
      reason,
    }),
  };
}

/** What is against the format; section 3.1 and 3.2, and section 4 for the two names of one date. */
function faultsOf(fields: readonly RawField[]): readonly string[] {
  const count = (name: string) => fieldsOf({ fields }, name).length;
  const once = ONCE.filter((name) => count(name) !== 1).map(
    (name) => `${name} is there ${count(name)} times`,
  );
  const most = AT_MOST_ONCE.filter((name) => count(name) > 1).map(
    (name) => `${name} is there ${count(name)} times`,
  );
  const both = count('Arrival-Date') > 0 && count('Received-Date') > 0;
  return [...once, ...most, ...(both ? ['both Arrival-Date and Received-Date'] : [])];
}

/** JMRP gives the message back as it was, with the recipient in a field of its own, and no report part. */
function readForwarded(entity: Entity): Reading | null {
  const part = entity.parts.find(({ media }) => media === 'message/rfc822');
  if (part === undefined || !/^\s*complaint about message from\b/i.test(subjectOf(entity))) return null;
  const original = { fields: readEmbeddedFields(part) };
  const marked = ['X-HmXmrOriginalRecipient', 'X-MS-Exchange-Inbox-Original-Recipient'].flatMap((name) =>
    fieldsOf(original, name).map(({ value }) => value),
  );
  if (marked.length === 0) return null;
  const recipients = toRecipients([firstAddress(marked[0] ?? '')], {
    kind: 'complaint',
    reason: subjectOf(entity).trim(),
  });
  return { feedbackType: 'abuse', recipients };
}

function recipientOfOriginal(entity: Entity): string | undefined {
  const part = entity.parts.find(({ media }) => RETURNED_MEDIA.test(media));
  return part === undefined
    ? undefined
    : firstAddress(fieldValue({ fields: readEmbeddedFields(part) }, 'To'));
}

function nothing(type: string, faults: readonly string[]): Reading {
  return { feedbackType: type, recipients: [{ kind: 'none', reason: faults[0] ?? type }], faults };
}

function toRecipients(
  addresses: readonly (string | undefined)[],
  said: { readonly kind: ReportKind; readonly reason: string },
): readonly ReportedRecipient[] {
  return addresses.map((address) => (address === undefined ? said : { address, ...said }));
}
