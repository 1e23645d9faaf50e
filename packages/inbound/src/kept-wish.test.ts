import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Office, openOffice } from './testing/office.ts';
import { bring, type How, PUBLISHED, signed, wish } from './testing/wish.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => office.closeListeners());
afterAll(() => office.close());

const write = (content: string, how?: How) => bring(office, content, how);

describe('MT-9 a signed wish that somebody kept, and brings once its author came back,', () => {
  const HOUR = 3_600_000;
  const ago = (hours: number): Date => new Date(Date.now() - hours * HOUR);
  const dated = (time: Date): string => `Date: ${time.toUTCString()}\r\n`;
  /** No time that a signature can say, so it says none. */
  const UNSAID = { signTime: new Date(-1) };
  const COVERED = ['from', 'to', 'subject', 'date'];

  test.each<[string, (email: string) => Promise<string>, string]>([
    [
      'by its signature',
      (email) => signed(wish(email), undefined, { signTime: ago(1) }),
      'they came back since',
    ],
    [
      'by its signature, whatever Date says',
      (email) => signed(wish(email, dated(ago(-0.1))), COVERED, { signTime: ago(1) }),
      'they came back since',
    ],
    [
      'by the Date that is signed',
      (email) => signed(wish(email, dated(ago(1))), COVERED, UNSAID),
      'they came back since',
    ],
    [
      'by nothing that is signed',
      async (email) => `${dated(ago(-0.1))}${await signed(wish(email), ['from', 'to', 'subject'], UNSAID)}`,
      'they came back once, and nobody knows when this was written',
    ],
    [
      'by one of two Dates',
      async (email) => `${dated(ago(-0.1))}${await signed(wish(email, dated(ago(1))), COVERED, UNSAID)}`,
      'they came back once, and nobody knows when this was written',
    ],
    [
      'by a time that is to come',
      (email) => signed(wish(email, dated(ago(-24))), COVERED, UNSAID),
      'they came back once, and nobody knows when this was written',
    ],
  ])('older %s, waits for a person', async (_, content, detail) => {
    const person = await office.person();
    const kept = await content(person.email);
    // Nobody had come back from anything: whenever it was written, it counts.
    expect(await write(kept)).toMatchObject({ recorded: 1, reviewed: 0 });
    await person.comesBack();
    expect(await write(kept)).toMatchObject({ recorded: 0, reviewed: 1 });
    expect((await office.reviews())[0]).toMatchObject({ why: 'unverified', asksToLeave: true, detail });
    expect(await person.sources()).toEqual(['preference_centre', 'header_mailto']);
  });

  test.each<[string, (email: string) => Promise<string>, How]>([
    ['that is newer', (email) => signed(wish(email), undefined, { signTime: ago(-0.1) }), {}],
    ['whose signed Date is newer', (email) => signed(wish(email, dated(ago(-0.1))), COVERED, UNSAID), {}],
    [
      'that its own server brings',
      async (email) => wish(email, dated(ago(1))),
      { texts: { ...PUBLISHED, 'example.com': 'v=spf1 ip4:127.0.0.1 -all' }, sender: 'x@example.com' },
    ],
  ])('is told from one %s: that takes them out', async (_, content, how) => {
    const person = await office.person();
    await write(await signed(wish(person.email)));
    await person.comesBack();
    expect(await write(await content(person.email), how)).toMatchObject({ recorded: 1, reviewed: 0 });
    expect(await person.sources()).toEqual(['header_mailto', 'preference_centre', 'header_mailto']);
  });

  test('takes out who shares the address and did not come back', async () => {
    const person = await office.person();
    await write(await signed(wish(person.email)));
    await person.comesBack();
    const housemate = await office.housemate(person);
    const kept = await signed(wish(person.email), undefined, { signTime: ago(1) });
    expect(await write(kept)).toMatchObject({ reviewed: 1 });
    expect([await person.sources(), await housemate.sources()]).toEqual([
      ['preference_centre', 'header_mailto'],
      ['header_mailto'],
    ]);
  });
});
