/**
 * Base32 in lower case and without padding (RFC 4648 section 6): letters and digits only, so that a local part
 * survives every mail server and needs no percent-encoding in a mailto URI (MT-2, MT-3).
 *
 * @module
 */

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const BITS = 5;

/** The bytes in lower-case base32. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= BITS) {
      bits -= BITS;
      text += ALPHABET.charAt((held >> bits) & 31);
    }
    held &= 31;
  }
  return bits === 0 ? text : text + ALPHABET.charAt((held << (BITS - bits)) & 31);
}

/**
 * Reads base32 in either case. Null for any other character and for a spelling that is not canonical: bits that
 * hang over must be zero and fewer than a character.
 */
export function decodeBase32(text: string): Buffer | null {
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  for (const character of text) {
    const value = digit(character);
    if (value < 0) return null;
    held = (held << BITS) | value;
    bits += BITS;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push(held >> bits);
    held &= (1 << bits) - 1;
  }
  return held === 0 && bits < BITS ? Buffer.from(bytes) : null;
}

/** Only ASCII is put in lower case: Unicode has a sign for kelvin that would become `k`. */
function digit(character: string): number {
  return ALPHABET.indexOf(/^[A-Z]$/.test(character) ? character.toLowerCase() : character);
}
