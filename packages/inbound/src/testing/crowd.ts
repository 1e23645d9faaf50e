/**
 * People by the thousand, each with every way out that a mail of ours gives, and what the database says of them afterwards.
 *
 * @module
 */
import {
  type KeyRing,
  type MailPurpose,
  mailTokenAddress,
  openUrlSealer,
  sealMailToken,
  tokenFingerprint,
} from '@adieu/core';
import { type Database, findEntries, importProfiles, type Scope } from '@adieu/store';
import { type Evidence, evidenceAfter, numbersOf } from '@adieu/store/testing';
import { DOMAIN } from './office.ts';

/** Somebody of a crowd. */
export interface Member {
  readonly email: string;
  readonly profile: number;
  readonly address: number;
}

/** What one mail to somebody had in it, made for one day. */
export interface WaysOut {
  /** `bounce+<token>@…`, the return path. */
  readonly bounce: string;
  /** `unsubscribe+<token>@…` */
  readonly leave: string;
  /** `params=…&pid=…&sig=…` of the one-click link. */
  readonly link: string;
  /** The same return path as another sandbox of the organisation would make it. */
  readonly foreign: string;
  /** The fingerprints of the first three. */
  readonly prints: { readonly bounce: string; readonly leave: string; readonly link: string };
}

/** People, and what became of them. */
export interface Crowd {
  gather(count: number): Promise<readonly Member[]>;
  waysOut(member: Member, day: number): WaysOut;
  /** Rows of history that came since it was asked last, of whomever. */
  evidence(): Promise<readonly Evidence[]>;
  /** Why addresses are suppressed; those that are not are left out. */
  suppressed(members: readonly Member[]): Promise<ReadonlyMap<string, string>>;
}

const AT_A_TIME = 500;
const AT_DOMAIN = '@example.net';
const MESSAGE = '01932f00-0000-7000-8000-000000000001';

/** All as long as each other, so that the same seed changes the same places. */
function emailOf(number: number): string {
  return `crowd${String(number).padStart(7, '0')}${AT_DOMAIN}`;
}

/** Opens the square where they gather. */
export function openCrowd(
  db: Database['db'],
  { home, elsewhere, ring }: { readonly home: Scope; readonly elsewhere: Scope; readonly ring: KeyRing },
): Crowd {
  let gathered = 0;
  let seen = 0;
  const { seal } = openUrlSealer(ring, 'one-click', home.organisation);

  return {
    async gather(count) {
      const numbers = Array.from({ length: count }, () => gathered++);
      for (let at = 0; at < count; at += AT_A_TIME) {
        const records = numbers.slice(at, at + AT_A_TIME).map((number) => ({
          line: number + 1,
          identities: { CRMID: emailOf(number).slice(0, -AT_DOMAIN.length), Email: emailOf(number) },
        }));
        await importProfiles(db, home, records);
      }
      return numbersOf(
        db,
        numbers.map((number) => emailOf(number)),
      );
    },
    waysOut({ email, profile, address }, day) {
      const claims = { profile, address, list: 0, scope: 'channel', day } as const;
      const token = (purpose: MailPurpose, scope: Scope) => sealMailToken(ring, purpose, scope, claims);
      const [bounce, leave] = [token('verp', home), token('mailto', home)];
      const link = seal({
        messageId: MESSAGE,
        sandbox: home.sandbox,
        scope: 'channel',
        profileId: email.slice(0, email.indexOf('@')),
        profileNamespace: 'CRMID',
        address: email,
        addressNamespace: 'Email',
      });
      return {
        bounce: mailTokenAddress('verp', bounce, DOMAIN),
        leave: mailTokenAddress('mailto', leave, DOMAIN),
        link: new URLSearchParams({ ...link }).toString(),
        foreign: mailTokenAddress('verp', token('verp', elsewhere), DOMAIN),
        prints: {
          bounce: tokenFingerprint(bounce),
          leave: tokenFingerprint(leave),
          link: tokenFingerprint(link.params),
        },
      };
    },
    async evidence() {
      const rows = await evidenceAfter(db, seen);
      seen = rows.at(-1)?.id ?? seen;
      return rows;
    },
    async suppressed(members) {
      const keys = members.map(({ email }) => email);
      const entries = await findEntries(db, home, { list: 'suppressed', kind: 'email', keys });
      return new Map(entries.map(({ spelling, reason }) => [spelling, reason]));
    },
  };
}
