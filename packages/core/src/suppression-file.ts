/**
 * Files of suppressed or allowed addresses as other systems export them: which column is which, and what a row says.
 *
 * One rule: nothing is guessed twice. A file whose address column cannot be told is refused with what it lacks, and a row
 * that is no entry is rejected with its reason. An unsubscribe is no suppression: it would stop receipts, too.
 *
 * Known by their names: Journey Optimizer, Amazon SES, SendGrid, Mailgun, Mailchimp, Postmark, and lists without a header.
 *
 * @module
 */
import { parseAddress, parseDomain } from './address.ts';
import type { ListedKind, ListedValue, SuppressionReason } from './delivery-list.ts';
import { parseListedValue } from './delivery-list.ts';

/** How a file is read: places of its columns, from 0. */
export interface FilePlan {
  /** What the column of addresses is called; null without a header. */
  readonly column: string | null;
  readonly value: number;
  readonly kind: number | null;
  readonly reasons: readonly number[];
  readonly comments: readonly number[];
  /** A value without an @ is a domain. */
  readonly bareDomains: boolean;
  /** How many cells a row has; null without a header. */
  readonly width: number | null;
  /** The header tells that these people unsubscribed. */
  readonly unsubscribes: boolean;
}

/** A plan, or why there is none. */
export type PlannedFile =
  | { readonly ok: true; readonly plan: FilePlan }
  | { readonly ok: false; readonly code: 'column_missing' | 'column_ambiguous'; readonly detail: string };

/** What a row says. */
export type FileRow =
  | {
      readonly ok: true;
      readonly kind: ListedKind;
      readonly value: ListedValue;
      /** Null: the row does not say. */
      readonly reason: SuppressionReason | 'unsubscribe' | null;
      readonly comment: string | null;
    }
  | { readonly ok: false; readonly code: string; readonly detail: string };

/** Names without case, spaces and punctuation. The first group that a header has decides. */
const ADDRESS_COLUMNS = [
  [
    'email',
    'emailaddress',
    'emailaddresses',
    'mail',
    'emailadresse',
    'recipient',
    'recipientemail',
    'suppressedemail',
  ],
  ['value', 'entityvalue', 'address'],
  ['domain', 'emaildomain'],
];
const KIND_COLUMNS = ['type', 'entitytype', 'addresstype'];
const REASON_COLUMNS = [
  'suppressionreason',
  'reason',
  'suppressioncategory',
  'type',
  'event',
  'status',
  'code',
];
const COMMENT_COLUMNS = ['comments', 'comment', 'note', 'notes', 'error', 'description', 'reason'];
const UNSUBSCRIBE_COLUMNS = ['unsubtime', 'unsubreason', 'unsubscribedat', 'unsubscribetime', 'optouttime'];
/** Characters of a comment that are kept. */
const COMMENT_LIMIT = 500;

/** Plans from the first row. With `column`, the column that is called so; the first row is then the header. */
export function planFile(first: readonly string[], column?: string): PlannedFile {
  const names = first.map(nameOf);
  if (column !== undefined) {
    const at = first.findIndex((cell) => cell.trim().toLowerCase() === column.trim().toLowerCase());
    if (at < 0) return refuse('column_missing', `there is no column ${column}; there are ${list(first)}`);
    return { ok: true, plan: headed(first, names, at) };
  }
  if (isHeaderless(first)) return planHeaderless(first);
  for (const group of ADDRESS_COLUMNS) {
    const found = names.flatMap((name, at) => (group.includes(name) ? [at] : []));
    const [at] = found;
    if (found.length > 1) {
      const columns = list(found.map((place) => first[place] ?? ''));
      return refuse('column_ambiguous', `any of the columns ${columns} may hold the addresses; say which`);
    }
    if (at !== undefined) return { ok: true, plan: headed(first, names, at) };
  }
  return refuse('column_missing', `no column is called like one of addresses; there are ${list(first)}`);
}

/** Reads a row under a plan. */
export function readFileRow(plan: FilePlan, cells: readonly string[]): FileRow {
  if (plan.width !== null && cells.length > plan.width && plan.value > 0) {
    return reject(
      'too_many_cells',
      `${cells.length} cells, but ${plan.width} columns; is a comma not quoted?`,
    );
  }
  const given = cells[plan.value]?.trim() ?? '';
  if (given === '') return reject('value_missing', 'no address in this line');
  if (given.includes('\ufffd')) return reject('invalid_utf8', 'the address is not UTF-8');
  const said = plan.kind === null ? '' : (cells[plan.kind]?.trim().toLowerCase() ?? '');
  if (plan.kind !== null && !['email', 'address', 'domain'].includes(said)) {
    return reject('type_unknown', 'the type is neither EMAIL nor DOMAIN');
  }
  const wildcard = /^\*?@/.exec(given);
  const domain =
    said === 'domain' || (said === '' && (wildcard !== null || (plan.bareDomains && !given.includes('@'))));
  const kind = domain ? 'domain' : 'email';
  const parsed = parseListedValue(
    kind,
    domain && wildcard !== null ? given.slice(wildcard[0].length) : given,
  );
  if (!parsed.ok) return reject(parsed.code, parsed.detail);
  return {
    ok: true,
    kind,
    value: parsed.value,
    reason: reasonOf(plan, cells),
    comment: commentOf(plan, cells),
  };
}

/** What another system's word for a reason means here; null when it says nothing of it. */
export function readReason(text: string): SuppressionReason | 'unsubscribe' | null {
  const word = nameOf(text);
  if (
    /^(?:spam)?(?:complain(?:t|ts|ed)|reports?|reported)$|^(?:markedas)?spam$|^abuse$|^feedbackloop$/.test(
      word,
    )
  ) {
    return 'complaint';
  }
  if (/^(?:global|group|list|manual)*(?:unsub(?:scribes?|scribed)?|opt(?:ed)?outs?)$/.test(word))
    return 'unsubscribe';
  if (/^soft|^transient/.test(word) || /^\s*4(?:\d\d\b|\.\d+\.\d+)/.test(text)) return 'soft';
  if (/^hard|^bounced?s?$|^permanent|^invalid|^cleaned$/.test(word)) return 'hard';
  if (/^\s*5(?:\d\d\b|\.\d+\.\d+)/.test(text)) return 'hard';
  return /^manual/.test(word) ? 'manual' : null;
}

function headed(first: readonly string[], names: readonly string[], value: number): FilePlan {
  const name = names[value] ?? '';
  const kind =
    ['value', 'entityvalue'].includes(name) || names.includes('addresstype')
      ? names.findIndex((other) => KIND_COLUMNS.includes(other))
      : -1;
  const places = (wanted: readonly string[]) =>
    wanted.map((each) => names.indexOf(each)).filter((at) => at >= 0 && at !== value && at !== kind);
  return {
    column: first[value]?.trim() ?? null,
    value,
    kind: kind < 0 ? null : kind,
    reasons: places(REASON_COLUMNS),
    comments: places(COMMENT_COLUMNS),
    bareDomains: ['value', 'entityvalue', 'domain', 'emaildomain'].includes(name),
    width: names.length,
    unsubscribes: names.some((each) => UNSUBSCRIBE_COLUMNS.includes(each)),
  };
}

/** Data from the first line on: something with an @, or nothing but a domain. */
function isHeaderless(first: readonly string[]): boolean {
  if (first.some((cell) => cell.includes('@'))) return true;
  return first.length === 1 && parseDomain(first[0]?.trim() ?? '') !== null;
}

function planHeaderless(first: readonly string[]): PlannedFile {
  const found = first.flatMap((cell, at) => (isAddressLike(cell.trim()) ? [at] : []));
  const [value = 0] = found;
  if (found.length > 1) {
    return refuse('column_ambiguous', 'more than one column holds addresses, and no header says which');
  }
  if (found.length === 0 && first.length > 1) {
    return refuse('column_missing', 'no column of the first line holds an address, and there is no header');
  }
  const none = { column: null, kind: null, reasons: [], comments: [], width: null, unsubscribes: false };
  return { ok: true, plan: { ...none, value, bareDomains: true } };
}

function isAddressLike(cell: string): boolean {
  return parseAddress(cell).ok || (/^\*?@/.test(cell) && parseDomain(cell.replace(/^\*?@/, '')) !== null);
}

function reasonOf(plan: FilePlan, cells: readonly string[]): SuppressionReason | 'unsubscribe' | null {
  for (const place of plan.reasons) {
    const reason = readReason(cells[place] ?? '');
    if (reason !== null) return reason;
  }
  return plan.unsubscribes ? 'unsubscribe' : null;
}

function commentOf(plan: FilePlan, cells: readonly string[]): string | null {
  const text = plan.comments.map((place) => cells[place]?.trim() ?? '').find((cell) => cell !== '');
  return text === undefined
    ? null
    : text
        .replace(/\p{Cc}+/gu, ' ')
        .slice(0, COMMENT_LIMIT)
        .trim();
}

/** The name of a column without case, spaces and punctuation. */
function nameOf(cell: string): string {
  return cell.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
}

function list(columns: readonly string[]): string {
  return columns
    .slice(0, 20)
    .map((column) => JSON.stringify(column.slice(0, 60)))
    .join(', ');
}

function refuse(code: 'column_missing' | 'column_ambiguous', detail: string): PlannedFile {
  return { ok: false, code, detail };
}

function reject(code: string, detail: string): FileRow {
  return { ok: false, code, detail };
}
