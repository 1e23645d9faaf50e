/**
 * The body of a message: `multipart/alternative`, text first, both parts quoted-printable.
 *
 * Everything that is the same for everybody is encoded once, when the body is opened; filling it encodes the
 * slots, puts the chunks in a row and hashes them. A large constant is one chunk that all messages share, so that
 * none of them copies it. The wire form is DKIM's relaxed form already, so the hash is over the bytes as they are,
 * and the hash of the constant beginning is computed once (RFC 2046, RFC 6376 section 3.7).
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { findPlaceholder } from './placeholder.ts';
import { encodeQuotedPrintable } from './quotedprintable.ts';
import type { Piece, Rendering } from './slot.ts';
import { cleanBody } from './text.ts';
import type { Variant } from './variant.ts';

/** `=_` cannot occur in quoted-printable, so no part can hold the boundary (RFC 2045 section 6.7). */
export const BOUNDARY = '=_adieu_alternative';

/** A filled body. */
export interface FilledBody {
  /** From behind the blank line to the end, in a row; CRLF, 7bit. Other messages share some of them. */
  readonly chunks: readonly Buffer[];
  /** DKIM's `bh=`, base64. */
  readonly hash: string;
  /** The links that this HTML part really contains, by number, in document order. */
  readonly htmlLinks: readonly number[];
}

/** The body of a variant of a template. */
export interface Body {
  /** Fills it for one message; throws what rendering throws, and {@link PLACEHOLDER_LEFT}. */
  readonly fill: (rendering: Rendering) => FilledBody;
}

/** Said of a message in which a link helper survived rendering (OH-21). */
export const PLACEHOLDER_LEFT = 'an opt-out link was left unfilled';

/** Encodes what is constant. */
export function openBody(variant: Variant): Body {
  const isLeft = [...variant.text, ...variant.html].some(
    (piece) => piece.kind === 'constant' && findPlaceholder(piece.text) !== null,
  );
  const stretches = mergeConstants([
    ...partStretches('text/plain', variant.text, `--${BOUNDARY}`),
    ...partStretches('text/html', variant.html, `\r\n--${BOUNDARY}`),
    `\r\n--${BOUNDARY}--\r\n`,
  ]);
  const [first, ...others] = stretches;
  const prefix = Buffer.from(typeof first === 'string' ? first : '', 'latin1');
  const rest = others.map((stretch) =>
    typeof stretch === 'string' && stretch.length >= SHARED ? Buffer.from(stretch, 'latin1') : stretch,
  );
  const prefixHash = createHash('sha256').update(prefix);
  return {
    fill(rendering) {
      if (isLeft) throw new Error(PLACEHOLDER_LEFT);
      const htmlLinks: number[] = [];
      const recording: Rendering = {
        data: rendering.data,
        url: (link) => {
          htmlLinks.push(link);
          return rendering.url(link);
        },
      };
      const hash = prefixHash.copy();
      const chunks: Buffer[] = [prefix];
      const add = (chunk: Buffer): void => {
        hash.update(chunk);
        chunks.push(chunk);
      };
      let own = '';
      for (const stretch of rest) {
        if (typeof stretch === 'string') own += stretch;
        else if (!Buffer.isBuffer(stretch)) own += encodeSlot(stretch, stretch.html ? recording : rendering);
        else {
          if (own !== '') add(Buffer.from(own, 'latin1'));
          own = '';
          add(stretch);
        }
      }
      if (own !== '') add(Buffer.from(own, 'latin1'));
      return { chunks, hash: hash.digest('base64'), htmlLinks };
    },
  };
}

/** Throws when a link helper survived, in any spelling: in a value of a profile, or behind a `\{{` inside a block. */
export function refusePlaceholder(text: string): string {
  if (findPlaceholder(text) !== null) throw new Error(PLACEHOLDER_LEFT);
  return text;
}

/** Octets of a constant that is worth a chunk of its own. */
const SHARED = 4096;

/** Encoded text, the same for everybody, or what is filled. */
type Stretch = string | Slot;
interface Slot {
  readonly html: boolean;
  readonly render: (rendering: Rendering) => string;
}

function partStretches(
  type: 'text/plain' | 'text/html',
  pieces: readonly Piece[],
  delimiter: string,
): Stretch[] {
  const head = [
    delimiter,
    `Content-Type: ${type}; charset=utf-8`,
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '',
  ];
  return [
    head.join('\r\n'),
    ...pieces.map((piece) =>
      piece.kind === 'constant'
        ? encodeQuotedPrintable(piece.text)
        : { html: type === 'text/html', render: piece.render },
    ),
  ];
}

function encodeSlot(slot: Slot, rendering: Rendering): string {
  return encodeQuotedPrintable(refusePlaceholder(cleanBody(slot.render(rendering))));
}

function mergeConstants(stretches: readonly Stretch[]): readonly Stretch[] {
  const merged: Stretch[] = [];
  for (const stretch of stretches) {
    const last = merged.at(-1);
    if (typeof stretch === 'string' && typeof last === 'string') merged[merged.length - 1] = last + stretch;
    else merged.push(stretch);
  }
  return merged;
}
