/**
 * The text and the HTML of a delivered mail, decoded by the letter of RFC 2045 and 2046 and by nothing of Adieu.
 *
 * @module
 */

/** The two alternatives of a mail. */
export interface DecodedParts {
  readonly text: string;
  readonly html: string;
}

/** Splits at the boundary and decodes quoted-printable. */
export function decodedParts(raw: Buffer): DecodedParts {
  const message = raw.toString('latin1');
  const boundary = /boundary="?([^"\r\n;]+)/i.exec(message)?.[1];
  if (boundary === undefined) throw new Error('no boundary');
  const parts = message.split(`--${boundary}`).slice(1, -1);
  const part = (type: string): string => {
    const found = parts.find((candidate) => new RegExp(`^Content-Type: ${type}`, 'im').test(candidate));
    if (found === undefined) throw new Error(`no ${type}`);
    const body = found.slice(found.indexOf('\r\n\r\n') + 4);
    const bytes = body
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return Buffer.from(bytes, 'latin1').toString('utf8');
  };
  return { text: part('text/plain'), html: part('text/html') };
}
