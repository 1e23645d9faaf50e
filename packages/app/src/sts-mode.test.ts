import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { openStsJudge } from './sts-mode.ts';

/**
 * The leaf of `chain` names mx.example.com and *.in.example.com, and subject.example.com in its subject alone; it ends in 2040. Its
 * intermediate ends in 2030. `self-made` names mx.example.com until 2120, `subject-only` in its subject.
 * `purposes` holds, until 2120, three leaves that name mx.example.com, an intermediate and a root: the first leaf is for clients only, the second for
 * servers too, the third as well, by way of the intermediate, which is for clients only.
 */
const fixture = (name: string): string =>
  readFileSync(new URL(`./fixtures/${name}.pem`, import.meta.url), 'utf8');
const [root, chain, selfMade, subjectOnly] = [
  fixture('root'),
  fixture('chain'),
  fixture('self-made'),
  fixture('subject-only'),
];
const [forClients, forBoth, byWay, intermediate, purposesRoot] =
  fixture('purposes').split(/(?<=END CERTIFICATE-----\n)/);
const NOW = new Date('2026-06-01T00:00:00Z');
const judge = (pem: string | null, exchanger = 'mx.example.com', now = NOW) =>
  openStsJudge(pem, [root])(exchanger, now);

describe('IN-15: the policy', () => {
  test('says enforce where the certificate names the exchanger and leads to a known authority', () => {
    for (const name of ['mx.example.com', 'a.in.example.com']) {
      expect(judge(chain, name)).toEqual({ mode: 'enforce', why: null });
    }
  });

  test.each([
    ['there is no certificate', null, 'mx.example.com', /no certificate/],
    ['it is self-made', selfMade, 'mx.example.com', /authority/],
    [
      'the intermediate is not in the file',
      chain.slice(0, chain.lastIndexOf('-----BEGIN')),
      'mx.example.com',
      /authority/,
    ],
    ['the file has no certificate', '-----BEGIN NOTHING-----', 'mx.example.com', /authority/],
    [
      'the file is torn',
      `${chain.slice(0, 300)}\n-----END CERTIFICATE-----`,
      'mx.example.com',
      /cannot be read/,
    ],
    ['it names another host', chain, 'mx.example.org', /does not name mx\.example\.org/],
    ['only its subject names the host', chain, 'subject.example.com', /does not name/],
    ['only the subject of one without names does', subjectOnly, 'mx.example.com', /does not name/],
    ['the star would stand for two labels', chain, 'a.b.in.example.com', /does not name/],
  ])('says testing, and why, where %s', (_what, pem, exchanger, why) => {
    expect(judge(pem, exchanger)).toEqual({ mode: 'testing', why: expect.stringMatching(why) });
  });

  test('says enforce only where all that vouch for it are meant for servers, or say nothing of it', () => {
    const purpose = (pem: string) => openStsJudge(pem, [purposesRoot as string])('mx.example.com', NOW);
    expect(purpose(`${forBoth}`)).toEqual({ mode: 'enforce', why: null });
    for (const pem of [`${forClients}`, `${byWay}${intermediate}`]) {
      expect(purpose(pem)).toEqual({ mode: 'testing', why: expect.stringMatching(/not meant for servers/) });
    }
  });

  test('leaves enforce a week before the first certificate of the path ends, which is as long as it is remembered', () => {
    const at = (now: string) => judge(chain, 'mx.example.com', new Date(now)).mode;
    expect(at('2029-12-24T23:59:59Z')).toBe('enforce');
    expect(at('2029-12-25T00:00:00Z')).toBe('testing');
    expect(at('2031-01-01T00:00:00Z')).toBe('testing');
    expect(at('2020-12-31T23:59:59Z')).toBe('testing');
    expect(at('2021-01-01T00:00:00Z')).toBe('enforce');
  });

  test('is held against the authorities that the public knows', () => {
    expect(openStsJudge(chain)('mx.example.com', NOW).mode).toBe('testing');
  });
});
