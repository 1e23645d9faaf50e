/**
 * The lines that a mail gets on top where it is kept for a person: who brought it, under what name, and when (IN-14).
 *
 * The rule: below them everything is anybody's, so they alone say what we saw ourselves. No recipient stands in them: a token in
 * an address is nobody's to read. RFC 5321 section 4.4.
 *
 * @module
 */

/** What was seen of a delivery. */
export interface Delivery {
  /** The envelope's, empty for the null reverse-path. */
  readonly sender: string;
  /** What the caller called itself. */
  readonly helo: string;
  readonly remoteAddress: string;
  /** `ESMTP`, `ESMTPS` and the like (RFC 3848). */
  readonly protocol: string;
  /** Our own name. */
  readonly name: string;
  readonly at: Date;
}

/** What a name or an address literal is made of; what else a caller says might be taken for our words. */
const NO_NAME = /[^\w.:[\]-]/g;

/** `Return-Path` and `Received`, each line ended by CRLF. */
export function traceOf({ sender, helo, remoteAddress, protocol, name, at }: Delivery): string {
  const literal = remoteAddress.includes(':') ? `IPv6:${remoteAddress}` : remoteAddress;
  const date = at.toUTCString().replace('GMT', '+0000');
  return [
    `Return-Path: <${sender}>`,
    `Received: from ${helo.replace(NO_NAME, '?')} ([${literal}])`,
    `\tby ${name} with ${protocol}; ${date}`,
    '',
  ].join('\r\n');
}
