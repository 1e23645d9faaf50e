/**
 * What a relay that knows DSN (RFC 3461) is asked for with each message: a report of failure only, with the header of
 * the message alone, that names the envelope and the recipient as we wrote them (BC-8).
 *
 * The rule: a report is worth something for its token, so the envelope's id is the local part of the return path; it
 * proves the report even where somebody on the way rewrote the address it comes to (BC-1).
 *
 * @module
 */

/** RFC 3461 section 4.4 and section 4.2, in characters. */
const ENVELOPE_ID_LIMIT = 100;
const RECIPIENT_LIMIT = 500;

const NEEDS_XTEXT = /[^!-~]|[+=]/g;
const NEEDS_UTF8_XTEXT = /[^!-~]|[+=\\]/gu;
const BEYOND_ASCII = /[^\0-\x7f]/;

/** Parameters of MAIL, with a space before each. */
export function mailOptions(from: string): string {
  const id = xtext(from.slice(0, from.lastIndexOf('@')));
  return id === '' || id.length > ENVELOPE_ID_LIMIT ? ' RET=HDRS' : ` RET=HDRS ENVID=${id}`;
}

/** Parameters of RCPT, likewise. The original recipient says what we sent to, wherever it was forwarded (BC-6). */
export function recipientOptions(to: string): string {
  const original = BEYOND_ASCII.test(to) ? `utf-8;${utf8Xtext(to)}` : `rfc822;${xtext(to)}`;
  return original.length > RECIPIENT_LIMIT ? ' NOTIFY=FAILURE' : ` NOTIFY=FAILURE ORCPT=${original}`;
}

/** RFC 3461 section 4. Of ASCII. */
function xtext(text: string): string {
  return text.replace(NEEDS_XTEXT, (character) => `+${hexOf(character)}`);
}

/** RFC 6533 section 3, in the form that any relay passes on. */
function utf8Xtext(text: string): string {
  return text.replace(NEEDS_UTF8_XTEXT, (character) => `\\x{${hexOf(character)}}`);
}

function hexOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, '0');
}
