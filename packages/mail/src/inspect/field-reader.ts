/**
 * The header of a mail, byte by byte as it arrived.
 *
 * A library that parses mail tidies it: it unfolds, decodes and keeps one of two equal fields. Who judges a mail
 * must see what stands there (RFC 5322 section 2.2). Linear in the size of the mail, whatever it holds.
 *
 * @module
 */

/** A field as it arrived. */
export interface RawField {
  /** As written. */
  readonly name: string;
  /** Everything behind the colon, unfolded, without white space at its ends; UTF-8. */
  readonly value: string;
  /** The field's lines without CRLF, one character an octet. */
  readonly lines: readonly string[];
}

/** A mail in two halves. */
export interface RawMail {
  readonly fields: readonly RawField[];
  /** Lines of the header that are no field. */
  readonly strays: readonly string[];
  /** The body, one character an octet. */
  readonly body: string;
  /** With CRLF: a file that was saved with bare line feeds is given back its line breaks. */
  readonly bytes: Buffer;
  /** The file had bare line feeds throughout. */
  readonly wasUnix: boolean;
}

/** Octets of the header that are looked at. */
const HEADER_LIMIT = 262_144;

/** Reads the header of a mail. Never throws. */
export function readMail(raw: Buffer): RawMail {
  const wasUnix = !raw.includes('\r\n') && raw.includes('\n');
  const bytes = wasUnix ? Buffer.from(raw.toString('latin1').replace(/\n/g, '\r\n'), 'latin1') : raw;
  const text = bytes.toString('latin1');
  const blank = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n');
  const header = (blank < 0 ? text : text.slice(0, blank)).slice(0, HEADER_LIMIT);
  const body = blank < 0 ? '' : text.slice(blank + (blank === 0 ? 2 : 4));
  return { ...readFields(header), body, bytes, wasUnix };
}

/** Reads fields out of a header block, that of a mail or of a MIME part. */
export function readFields(header: string): Pick<RawMail, 'fields' | 'strays'> {
  const fields: { name: string; lines: string[] }[] = [];
  const strays: string[] = [];
  for (const line of header.split('\r\n')) {
    const current = fields.at(-1);
    if (/^[ \t]/.test(line) && current !== undefined) {
      current.lines.push(line);
      continue;
    }
    const name = /^([!-9;-~]+)[ \t]*:/.exec(line.slice(0, 1_000))?.[1];
    if (name !== undefined) fields.push({ name, lines: [line] });
    else if (line !== '') strays.push(line);
  }
  return { strays, fields: fields.map(({ name, lines }) => ({ name, lines, value: unfold(lines) })) };
}

/** The fields of a name, in order. */
export function fieldsOf(mail: Pick<RawMail, 'fields'>, name: string): readonly RawField[] {
  const wanted = name.toLowerCase();
  return mail.fields.filter((field) => field.name.toLowerCase() === wanted);
}

function unfold(lines: readonly string[]): string {
  const joined = lines.join('');
  return Buffer.from(joined.slice(joined.indexOf(':') + 1), 'latin1')
    .toString('utf8')
    .trim();
}
