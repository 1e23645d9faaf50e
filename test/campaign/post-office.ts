/**
 * What arrived: the sink's file, read as it grows.
 *
 * @module
 */
import { open } from 'node:fs/promises';
import type { MailFact } from './checker.ts';
import type { Door } from './leaver.ts';
import type { SunkMail } from './sink.ts';

/** The mails so far, and the ways out that stood in them. */
export interface PostOffice {
  readonly mails: readonly MailFact[];
  /** A way out of the person's latest mail. */
  doors(person: string): readonly Door[];
  /** Reads what has come. */
  read(): Promise<void>;
}

/** The person behind an address of the campaign. */
export function personOf(address: string): string {
  return address.split('@')[0] ?? '';
}

/** Opens it on the sink's file. */
export async function openPostOffice(path: string): Promise<PostOffice> {
  const mails: MailFact[] = [];
  const doors = new Map<string, Door[]>();
  let offset = 0;
  let rest = '';
  let reading: Promise<void> = Promise.resolve();

  async function readOn(): Promise<void> {
    const file = await open(path, 'r');
    try {
      for (;;) {
        const { buffer, bytesRead } = await file.read({ position: offset, buffer: Buffer.alloc(1 << 20) });
        if (bytesRead === 0) break;
        offset += bytesRead;
        rest += buffer.toString('latin1', 0, bytesRead);
      }
    } finally {
      await file.close();
    }
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(JSON.parse(line) as SunkMail);
  }

  function take({ at, messageId, id, to, link, mailto }: SunkMail): void {
    const person = personOf(to);
    mails.push({ at: Number(BigInt(at)) / 1e6, messageId, id, person });
    const ways: Door[] = [];
    if (link !== '') ways.push({ kind: 'one-click', link });
    if (mailto !== '') ways.push({ kind: 'mailto', address: mailto });
    doors.set(person, ways);
  }

  return {
    mails,
    doors: (person) => doors.get(person) ?? [],
    read: () => {
      reading = reading.then(readOn);
      return reading;
    },
  };
}
