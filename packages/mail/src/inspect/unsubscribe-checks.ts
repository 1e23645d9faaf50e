/**
 * `List-Unsubscribe` and its companion, as strictly as a provider reads them, and why one is missing.
 *
 * @module
 */

import { fieldsOf, type RawField, type RawMail } from './field-reader.ts';
import { type Finding, finding } from './finding.ts';

/** The way out that the header offers. */
export interface ListUnsubscribe {
  /** The https URI; absent when there is none, or more than one. */
  readonly https?: string;
  readonly mailto?: string;
  /** `List-Unsubscribe-Post` is there and byte-exact. */
  readonly post: boolean;
}

const POST_LINE = /^list-unsubscribe-post:[ \t]?List-Unsubscribe=One-Click$/;

/** Reads the two fields. */
export function readListUnsubscribe(mail: RawMail): ListUnsubscribe {
  const [field, second] = fieldsOf(mail, 'List-Unsubscribe');
  const uris = field === undefined || second !== undefined ? [] : readUris(field.value);
  const https = uris.filter(isHttps);
  const mailto = uris.find((uri) => /^mailto:/i.test(uri));
  const [post, more] = fieldsOf(mail, 'List-Unsubscribe-Post');
  return {
    ...(https[0] === undefined || https.length > 1 ? {} : { https: https[0] }),
    ...(mailto === undefined ? {} : { mailto }),
    post: post !== undefined && more === undefined && isExactPost(post),
  };
}

/** Judges the two fields; signatures are judged elsewhere. */
export function unsubscribeFindings(mail: RawMail, read: ListUnsubscribe): Finding[] {
  const fields = fieldsOf(mail, 'List-Unsubscribe');
  const posts = fieldsOf(mail, 'List-Unsubscribe-Post');
  const findings = [
    ...countFindings('List-Unsubscribe', fields),
    ...countFindings('List-Unsubscribe-Post', posts),
  ];
  const [field] = fields;
  const [post] = posts;
  if (field === undefined) findings.push(missing(posts.length > 0));
  else findings.push(...syntaxFindings(field), ...schemeFindings(field, read));
  if (post !== undefined && !isExactPost(post)) {
    const detail =
      'It must read "List-Unsubscribe-Post: List-Unsubscribe=One-Click" on one line, to the letter.';
    findings.push(finding('wrong', 'OH-3', 'List-Unsubscribe-Post is not exact', detail));
  } else if (post !== undefined) findings.push(finding('ok', 'OH-3', 'List-Unsubscribe-Post is exact'));
  if (post !== undefined && field !== undefined && !readUris(field.value).some(isHttps)) {
    const detail = 'A provider has nowhere to post to: it ignores the field.';
    findings.push(
      finding('wrong', 'OH-4', 'List-Unsubscribe-Post is there but there is no https URI', detail),
    );
  }
  if (post === undefined && read.https !== undefined) {
    const detail =
      'Providers show a one-click button only beside "List-Unsubscribe-Post: List-Unsubscribe=One-Click".';
    findings.push(finding('warn', 'OH-1', 'There is an https URI but no List-Unsubscribe-Post', detail));
  }
  if (read.https !== undefined && isCustomers(read.https)) {
    const detail =
      'It carries params and pid and no sig: whoever runs it asks the decrypt API who leaves what, and keeps the consent.';
    findings.push(finding('info', 'U7', 'The https URI is managed by the sender’s own server', detail));
  }
  if (read.mailto !== undefined) findings.push(...mailtoFindings(read.mailto));
  return findings;
}

function missing(hasPost: boolean): Finding {
  const detail = hasPost
    ? 'List-Unsubscribe-Post alone says nothing: there is no URI to post to.'
    : 'No provider can show a button. Bulk mail to Gmail and Yahoo must have it.';
  return finding(hasPost ? 'wrong' : 'warn', 'OH-1', 'There is no List-Unsubscribe', detail);
}

function countFindings(name: string, fields: readonly RawField[]): Finding[] {
  if (fields.length < 2) return [];
  const detail = 'Which one counts is a guess, and one of them may be somebody else’s.';
  return [finding('wrong', 'OH-1', `${name} is there ${fields.length} times`, detail)];
}

function syntaxFindings(field: RawField): Finding[] {
  const findings: Finding[] = [];
  const uris = readUris(field.value);
  if (!/^<[^<>\s]+>(?:\s*,\s*<[^<>\s]+>)*$/.test(field.value)) {
    const detail = 'URIs stand in angle brackets, separated by commas, without white space inside.';
    findings.push(finding('wrong', 'OH-5', 'List-Unsubscribe is malformed', detail));
  } else if (uris.some((uri) => /[^!-~]/.test(uri))) {
    findings.push(
      finding('wrong', 'OH-5', 'A URI of List-Unsubscribe is not ASCII', 'It must be percent-encoded.'),
    );
  }
  if (/=\?[^?]+\?[bq]\?/i.test(field.value)) {
    findings.push(
      finding('wrong', 'OH-6', 'List-Unsubscribe holds an encoded-word', 'Nobody decodes one there.'),
    );
  }
  if (/^[^:]*:[ \t]*$/.test(field.lines[0] ?? '')) {
    const detail =
      'Some relays refold such a field and break the signature; the first URI belongs on the first line.';
    findings.push(finding('warn', 'OH-9', 'The first line of List-Unsubscribe is empty', detail));
  }
  const longest = Math.max(0, ...uris.map((uri) => uri.length));
  if (longest > 900) {
    findings.push(
      finding('wrong', 'OH-9', 'A URI of List-Unsubscribe is too long', `It has ${longest} octets; 900 fit.`),
    );
  }
  if (findings.length === 0) findings.push(finding('ok', 'OH-5', 'List-Unsubscribe is well formed'));
  return findings;
}

function schemeFindings(field: RawField, read: ListUnsubscribe): Finding[] {
  const uris = readUris(field.value);
  const findings: Finding[] = [];
  const https = uris.filter(isHttps).length;
  if (uris.some((uri) => /^http:/i.test(uri))) {
    findings.push(
      finding('wrong', 'OH-2', 'List-Unsubscribe has an http URI', 'Only https may be posted to.'),
    );
  }
  if (https > 1) {
    findings.push(
      finding('wrong', 'OH-2', 'List-Unsubscribe has more than one https URI', 'Exactly one is allowed.'),
    );
  }
  if (read.https !== undefined && read.mailto !== undefined) {
    findings.push(
      finding('ok', 'OH-10', 'Both an https and a mailto URI', 'Gmail and Yahoo post, Apple Mail writes.'),
    );
  } else if (read.mailto === undefined) {
    findings.push(
      finding('warn', 'OH-10', 'There is no mailto URI', 'Apple Mail shows its button for mailto only.'),
    );
  } else {
    findings.push(
      finding('warn', 'OH-10', 'There is no https URI', 'One-click at Gmail and Yahoo needs one.'),
    );
  }
  return findings;
}

function mailtoFindings(mailto: string): Finding[] {
  const findings: Finding[] = [];
  const [address = '', query = ''] = mailto.replace(/^mailto:/i, '').split('?', 2);
  const parameters = new URLSearchParams(query);
  if (address.includes(',') || ['to', 'cc', 'bcc'].some((name) => parameters.has(name))) {
    findings.push(
      finding('wrong', 'MT-4', 'The mailto URI names more than one address', 'One address is allowed.'),
    );
  }
  const localPart = address.slice(0, address.lastIndexOf('@'));
  if (localPart.length > 64) {
    findings.push(
      finding('wrong', 'MT-2', 'The local part of the mailto URI passes 64 octets', 'Servers refuse it.'),
    );
  }
  if (/^unsubscribev1\./.test(parameters.get('subject') ?? '')) {
    const detail =
      'The token stands in the subject; whoever reads the mailbox asks the decrypt API (emailParams) who leaves what. Apple Mail sends an empty subject: then only the sender tells.';
    findings.push(finding('info', 'U7', 'The mailto URI is managed by the sender’s own mailbox', detail));
  } else if (!/[+=-]/.test(localPart) && (parameters.get('subject') ?? '').length > 16) {
    const detail =
      'Apple Mail sends an empty subject and Outlook strips it: the token belongs into the address.';
    findings.push(finding('warn', 'MT-1', 'The mailto URI identifies by its subject', detail));
  }
  return findings;
}

function readUris(value: string): string[] {
  return [...value.matchAll(/<([^<>]*)>/g)].map(([, uri = '']) => uri.trim());
}

/** As a customer managed header of Adieu has it. */
function isCustomers(uri: string): boolean {
  return /[?&]params=[\w-]+&pid=[\w-]+$/.test(uri);
}

function isHttps(uri: string): boolean {
  return /^https:/i.test(uri);
}

function isExactPost({ lines }: RawField): boolean {
  const [line = ''] = lines;
  const colon = line.indexOf(':');
  return lines.length === 1 && POST_LINE.test(line.slice(0, colon).toLowerCase() + line.slice(colon));
}
