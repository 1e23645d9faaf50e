/**
 * Reads a composed message with somebody else's parser, and its links with our keys.
 *
 * @module
 */
import { openUrlToken, readUrlToken, type UrlClaims, type UrlPurpose } from '@adieu/core';
import { type ParsedMail, simpleParser } from 'mailparser';
import { RING } from './sample.ts';

/** The message as mailparser reads it. */
export function parsed(bytes: Buffer): Promise<ParsedMail> {
  return simpleParser(bytes, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
}

/** The header's fields by lower-case name, unfolded, in order. */
export function fields(bytes: Buffer): ReadonlyMap<string, readonly string[]> {
  const header = bytes.subarray(0, bytes.indexOf('\r\n\r\n')).toString();
  const found = new Map<string, string[]>();
  for (const field of header.split(/\r\n(?![ \t])/)) {
    const colon = field.indexOf(':');
    const name = field.slice(0, colon).toLowerCase();
    found.set(name, [
      ...(found.get(name) ?? []),
      field
        .slice(colon + 1)
        .replace(/\r\n/g, '')
        .trim(),
    ]);
  }
  return found;
}

/** The value of a field that is there once. */
export function field(bytes: Buffer, name: string): string {
  const values = fields(bytes).get(name.toLowerCase()) ?? [];
  if (values.length !== 1) throw new Error(`${name} is there ${values.length} times`);
  return values[0] ?? '';
}

/** Every URL of ours in a text, in order. */
export function urls(text: string): string[] {
  return [...text.matchAll(/https:\/\/[^\s<>"]*[?&]params=[\w-]+&pid=[\w-]+&sig=[\w-]+/g)].map(
    ([url]) => url,
  );
}

/** What the token of a URL says. */
export function claims(url: string, purpose: UrlPurpose): UrlClaims {
  const token = readUrlToken(url.slice(url.indexOf('?') + 1));
  const opened = token === null ? null : openUrlToken(RING, { purpose, organisation: 'default' }, token);
  if (opened === null) throw new Error(`no token of purpose ${purpose}: ${url}`);
  return opened;
}

/** The https URI of List-Unsubscribe. */
export function headerUrl(bytes: Buffer): string {
  return /^<(https:[^>]+)>/.exec(field(bytes, 'List-Unsubscribe'))?.[1] ?? '';
}

/** HTML with its attributes decoded, as far as URLs need it. */
export function decodedHtml(mail: ParsedMail): string {
  return String(mail.html).replaceAll('&amp;', '&');
}
