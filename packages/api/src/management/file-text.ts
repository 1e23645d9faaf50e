/**
 * The text of a file as it comes: UTF-8, or UTF-16 where the file begins with the mark of it, as spreadsheets write it.
 *
 * One rule: bytes that are no text become U+FFFD and never an error, so that one line is to blame and not the file.
 *
 * @module
 */

/** Decodes without the byte order mark. */
export async function* textOf(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  let held: Buffer = Buffer.alloc(0);
  for await (const bytes of source) {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    if (held.length < 2) continue;
    decoder ??= new TextDecoder(encodingOf(held));
    yield decoder.decode(held, { stream: true });
    held = Buffer.alloc(0);
  }
  decoder ??= new TextDecoder('utf-8');
  yield decoder.decode(held);
}

function encodingOf(start: Buffer): string {
  const mark = start.readUInt16BE(0);
  if (mark === 0xfffe) return 'utf-16le';
  return mark === 0xfeff ? 'utf-16be' : 'utf-8';
}
