/**
 * A brand's logo: a `data:` URI, because a page of ours asks nobody else for anything (LP-5).
 *
 * What it says it is, it must be by its first bytes. Browsers run no script of an image; a drawing (SVG) with one in it
 * is refused all the same, because the URI may be opened in other places.
 *
 * @module
 */
import { escapeHtml } from '@adieu/core';

const URI = /^data:(image\/(?:png|jpeg|webp|gif|svg\+xml))(;base64)?,(.+)$/s;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const SIGNATURES: Readonly<Record<string, (bytes: Buffer) => boolean>> = {
  'image/png': (bytes) => bytes.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex')),
  'image/jpeg': (bytes) => bytes.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex')),
  'image/gif': (bytes) => /^GIF8[79]a/.test(bytes.toString('latin1', 0, 6)),
  'image/webp': (bytes) =>
    bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP',
  'image/svg+xml': (bytes) => /^\s*(?:<\?xml[^>]*>\s*)?<svg[\s/>]/.test(bytes.toString('utf8')),
};

/** Elements and attributes that run, load or embed; a logo has none of them. */
const ACTIVE =
  /<\s*(?:script|foreignObject|iframe|embed|object|image|use|a|animate|set|handler)\b|<!(?:DOCTYPE|ENTITY)|\bon\w+\s*=|javascript:|@import|url\s*\(\s*['"]?(?!#)|href\s*=/i;

/** Characters of a logo as it stands in a page, escaped. */
export const LOGO_LIMIT = 10_000;

/** What is wrong with a logo, or null. */
export function logoFault(uri: string): string | null {
  if (escapeHtml(uri).length > LOGO_LIMIT) return `is over ${LOGO_LIMIT} characters as HTML writes it`;
  const parts = URI.exec(uri);
  if (parts === null) return 'is no data: URI of a PNG, JPEG, WebP, GIF or SVG image';
  const [, type = '', base64, body = ''] = parts;
  if (base64 === undefined && type !== 'image/svg+xml') return 'must be in base64';
  if (base64 !== undefined && !BASE64.test(body)) return 'is not well-formed base64';
  const bytes = base64 === undefined ? percentDecode(body) : Buffer.from(body, 'base64');
  if (bytes === null) return 'is not well percent-encoded';
  if (SIGNATURES[type]?.(bytes) !== true) return 'is not the kind of image that it says';
  if (type === 'image/svg+xml' && ACTIVE.test(bytes.toString('utf8'))) {
    return 'holds a script, a link or something from elsewhere';
  }
  return null;
}

function percentDecode(body: string): Buffer | null {
  try {
    return Buffer.from(decodeURIComponent(body));
  } catch {
    return null;
  }
}
