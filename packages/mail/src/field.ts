/**
 * Header fields: a name and a folded value, and the block they make.
 *
 * Values are built by Adieu alone, from texts that were cleaned; none comes from an object that somebody else
 * shaped (OH-12, OH-20).
 *
 * @module
 */

/** A field; the value is folded and has no CRLF at its end. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** Octets of a line without its CRLF (RFC 5322 section 2.1.1). */
export const LINE_LIMIT = 998;

/** A field as it stands on the wire, CRLF at its end. */
export function writeField({ name, value }: HeaderField): string {
  return value === '' ? `${name}:\r\n` : `${name}: ${value}\r\n`;
}

/** DKIM's relaxed form of a field, CRLF at its end (RFC 6376 section 3.4.2). */
export function relaxField({ name, value }: HeaderField): string {
  const unfolded = value.replace(/\r\n/g, '').replace(/[ \t]+/g, ' ');
  return `${name.toLowerCase()}:${unfolded.trim()}\r\n`;
}

/** The name of the first field with a line over 998 octets, or null (OH-7). */
export function overlongField(fields: readonly HeaderField[]): string | null {
  const isOverlong = (field: HeaderField): boolean =>
    field.value.length * 4 + field.name.length > LINE_LIMIT &&
    writeField(field)
      .split('\r\n')
      .some((line) => Buffer.byteLength(line) > LINE_LIMIT);
  return fields.find(isOverlong)?.name ?? null;
}

/** `Sat, 22 Nov 2025 10:00:00 +0000` (RFC 5322 section 3.3). */
export function formatDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}
