/**
 * Files of suppressed or allowed addresses as other systems export them: which column is which, and what a row says.
 *
 * One rule: nothing is guessed twice. A file whose address column cannot be told is refused with what it lacks, and a row
 * that is no entry is rejected with its reason. Who unsubscribed or subscribed is no suppression: a wrong export must
 * never stop receipts, let alone silence a list.
 *
 * Known by their names: Journey Optimizer, Amazon SES, SendGrid, Mailgun, Mailchimp, Postmark, and lists without a header.
 *
 * @module
 */
import { parseAddress, parseDomain } from './address.ts';
import type { ListedKind, ListedValue } from './delivery-list.ts';
import { parseListedValue } from './delivery-list.ts';
import { readReason, type SaidReason, wordOf } from './suppression-reason.ts';

/** How a file is read: places of its columns, from 0. */
export interface FilePlan {
  /** What the column of addresses is called; null without a header. */
  readonly column: string | null;
  readonly value: number;
  readonly kind: number | null;
  /** Columns of reasons, of which a word that is not known says nothing. */
  readonly reasons: readonly number[];
  /** Columns of states, of which a word that is not known may say anything. */
  readonly states: readonly number[];
  readonly comments: readonly number[];
  /** A value without an @ is a domain. */
  readonly bareDomains: boolean;
  /** How many cells a row has; null without a header. */
  readonly width: number | null;
  /** What the header tells of all of these people. */
  readonly everybody: 'unsubscribe' | 'subscribed' | null;
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
      /** `unknown`: a state that is not known. Null: the row does not say. */
      readonly reason: SaidReason | 'unknown' | null;
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
const REASON_COLUMNS = ['suppressionreason', 'reason', 'suppressioncategory', 'type', 'code'];
const STATE_COLUMN = /^event$|status$/;
const COMMENT_COLUMNS = ['comments', 'comment', 'note', 'notes', 'error', 'description', 'reason'];
const UNSUBSCRIBE_COLUMN = /^unsub|^opt(?:ed)?out/;
const SUBSCRIBE_COLUMN = /^(?:double)?opt(?:ed)?in|^confirm|^subscri(?:be|ption)/;
const SUPPRESSION_COLUMN = /^clean|bounce|reason|complain|suppress/;
/** Characters of a comment that are kept. */
const COMMENT_LIMIT = 500;

/** Plans from the first row. With `column`, the column that is called so; the first row is then the header. */
export function planFile(first: readonly string[], column?: string): PlannedFile {
  const names = first.map(wordOf);
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

/** Whether a row is a comment (`# …`): before the first line that is read, and in lists without a header. */
export function isCommentRow(cells: readonly string[], plan: FilePlan | null, column?: string): boolean {
  if (cells[0]?.startsWith('#') !== true) return false;
  if (plan !== null) return plan.column === null;
  const header = planFile(cells, column);
  return !header.ok || header.plan.column === null;
}

/** Reads a row under a plan. */
export function readFileRow(plan: FilePlan, cells: readonly string[]): FileRow {
  if (plan.width !== null && cells.length > plan.width && plan.value > 0) {
    return reject(
      'too_many_cells',
      `${cells.length} cells, but ${plan.width} columns; is a comma not quoted?`,
    );
  }
  const given = bareAddress(cells[plan.value]?.trim() ?? '');
  if (given === '') return reject('value_missing', 'no address in this line');
  if (given.includes('\ufffd'))
    return reject('invalid_utf8', 'the address is not UTF-8: save the file as CSV UTF-8');
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

/** What people are who are no entries, and what a file of them is called. */
const NOBODY_TO_SUPPRESS = {
  unsubscribe_is_no_suppression: [
    'file_of_unsubscribes',
    'people who unsubscribed. That is consent, which POST /v1/profiles takes with their profiles; with a reason (--reason) all mail to them stops, receipts included',
  ],
  subscriber_is_no_suppression: [
    'file_of_subscribers',
    'people who are subscribed or get mail. Is it the right export? With a reason (--reason) all mail to them stops',
  ],
  status_unknown: [
    'file_of_unknown_status',
    'people of a status that is not known here. With a reason (--reason) all mail to them stops',
  ],
} as const;

/** Which fault makes most of the rejected lines, and what to tell; null where it is the lines themselves. */
export function faultOfFile(
  codes: readonly string[],
): { readonly code: string; readonly holds: string } | null {
  const counts = Object.entries(NOBODY_TO_SUPPRESS).map(([code, [file, holds]]) => ({
    count: codes.filter((each) => each === code).length,
    code: file,
    holds,
  }));
  const [most] = counts.sort((a, b) => b.count - a.count);
  const sum = counts.reduce((total, { count }) => total + count, 0);
  return most === undefined || sum * 2 <= codes.length ? null : { code: most.code, holds: most.holds };
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
    states: names.flatMap((each, at) => (STATE_COLUMN.test(each) && at !== value ? [at] : [])),
    comments: places(COMMENT_COLUMNS),
    bareDomains: ['value', 'entityvalue', 'domain', 'emaildomain'].includes(name),
    width: names.length,
    everybody: everybodyOf(names),
  };
}

/** Exports of one kind of people say which by a column that only they have; states are told row by row. */
function everybodyOf(names: readonly string[]): FilePlan['everybody'] {
  const has = (column: RegExp) => names.some((each) => column.test(each) && !STATE_COLUMN.test(each));
  if (has(UNSUBSCRIBE_COLUMN)) return 'unsubscribe';
  return has(SUBSCRIBE_COLUMN) && !has(SUPPRESSION_COLUMN) ? 'subscribed' : null;
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
  const none = { column: null, kind: null, states: [], comments: [], width: null, everybody: null };
  const reasons = [...first.keys()].filter((at) => at !== value);
  return { ok: true, plan: { ...none, value, reasons, bareDomains: true } };
}

/** Without `mailto:`, or out of `John <john@example.com>`. */
function bareAddress(given: string): string {
  const inside = /^[^<>]*<([^<>]*)>$/.exec(given)?.[1] ?? given;
  return inside.replace(/^mailto:/i, '').trim();
}

function isAddressLike(given: string): boolean {
  const cell = bareAddress(given);
  return parseAddress(cell).ok || (/^\*?@/.test(cell) && parseDomain(cell.replace(/^\*?@/, '')) !== null);
}

function reasonOf(plan: FilePlan, cells: readonly string[]): SaidReason | 'unknown' | null {
  for (const place of [...plan.reasons, ...plan.states]) {
    const reason = readReason(cells[place] ?? '');
    if (reason !== null) return reason;
  }
  if (plan.everybody !== null) return plan.everybody;
  return plan.states.some((place) => (cells[place] ?? '').trim() !== '') ? 'unknown' : null;
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
