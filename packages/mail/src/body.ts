/**
 * The body of a message: `multipart/alternative`, text first, both parts quoted-printable.
 *
 * Everything that is the same for everybody is encoded once, when the body is opened; filling it encodes the
 * slots, puts the buffers in a row and hashes them. The wire form is DKIM's relaxed form already, so the hash is
 * over the bytes as they are, and the hash of the constant beginning is computed once (RFC 2046, RFC 6376
 * section 3.7).
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
  /** From behind the blank line to the end, in a row; CRLF, 7bit. */
  readonly stretches: readonly Buffer[];
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
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
  const [first, ...rest] = stretches;
  const prefix = Buffer.isBuffer(first) ? first : Buffer.alloc(0);
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
      const filled = rest.map((stretch) =>
        Buffer.isBuffer(stretch) ? stretch : encodeSlot(stretch, stretch.html ? recording : rendering),
      );
      const hash = prefixHash.copy();
      for (const stretch of filled) hash.update(stretch);
      return { stretches: [prefix, ...filled], hash: hash.digest('base64'), htmlLinks };
    },
  };
}

/** Throws when a link helper survived, in any spelling: in a value of a profile, or behind a `\{{` inside a block. */
export function refusePlaceholder(text: string): string {
  if (findPlaceholder(text) !== null) throw new Error(PLACEHOLDER_LEFT);
  return text;
}

type Stretch = Buffer | Slot;
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
    Buffer.from(head.join('\r\n')),
    ...pieces.map((piece) =>
      piece.kind === 'constant'
        ? encodeQuotedPrintable(piece.text)
        : { html: type === 'text/html', render: piece.render },
    ),
  ];
}

function encodeSlot(slot: Slot, rendering: Rendering): Buffer {
  return encodeQuotedPrintable(refusePlaceholder(cleanBody(slot.render(rendering))));
}

function mergeConstants(stretches: readonly Stretch[]): readonly Stretch[] {
  const merged: Stretch[] = [];
  for (const stretch of stretches) {
    const last = merged.at(-1);
    if (Buffer.isBuffer(stretch) && Buffer.isBuffer(last))
      merged[merged.length - 1] = Buffer.concat([last, stretch]);
    else merged.push(stretch);
  }
  return merged;
}
