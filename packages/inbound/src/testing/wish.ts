/**
 * Wishes to leave that carry no token, signed by a domain whose key a DNS of the test's own answers.
 *
 * @module
 */
import { dkimRecord, generateDkimKeys } from '@adieu/core';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import type { ResolveDns } from '../sender.ts';
import { greet, submit } from './caller.ts';
import { DOMAIN, type Office } from './office.ts';

/** The address without a token. */
export const PLAIN = `unsubscribe@${DOMAIN}`;
const [key] = generateDkimKeys('s1');
if (key === undefined) throw new Error('no key');
const record = dkimRecord('example.com', key);
/** What DNS says of the domain that signs. */
export const PUBLISHED: Readonly<Record<string, string>> = {
  '_dmarc.example.com': 'v=DMARC1; p=reject; adkim=s; aspf=s',
  [record.name]: record.value,
};

/** A DNS that knows these texts and nothing else. */
function dns(texts: Readonly<Record<string, string>>): ResolveDns {
  return async (name: string, type: string) => {
    const text = type === 'TXT' ? texts[name] : undefined;
    if (text === undefined) throw Object.assign(new Error('no such record'), { code: 'ENOTFOUND' });
    return [[text]];
  };
}

/** What a signature says: of which domain it is (the author's), when it was made (now), and how many octets of the body it covers (all). */
export interface Signing {
  readonly domain?: string;
  readonly signTime?: Date;
  readonly octets?: number;
}

/** A mail with the signature of its author's domain. */
export async function signed(
  content: string,
  fields?: readonly string[],
  { domain = 'example.com', signTime = new Date(), octets }: Signing = {},
): Promise<string> {
  const signer = {
    ...{ signingDomain: domain, selector: 's1', privateKey: key?.privateKey ?? '' },
    ...(octets === undefined ? {} : { maxBodyLength: octets }),
  };
  const { signatures } = await dkimSign(Buffer.from(content), {
    canonicalization: 'relaxed/relaxed',
    ...(fields === undefined ? {} : { headerList: [...fields] }),
    // Its types ask for the first, its code for the second.
    ...signer,
    signTime,
    signatureData: [signer],
  });
  return `${signatures}${content}`;
}

let mails = 0;
/** A wish to leave, each of its own id. */
export function wish(from: string, more = '', to = `To: Leave <${PLAIN}>`): string {
  mails += 1;
  return `From: ${from}\r\n${to}\r\nMessage-ID: <wish${mails}@example.com>\r\nSubject: please\r\n${more}\r\nno more mail`;
}

/** What a listener knows when a mail is brought. */
export interface How {
  readonly texts?: Readonly<Record<string, string>>;
  readonly sender?: string;
  readonly to?: string;
}

/** Brings a mail to a listener of its own, and answers what became of it. */
export async function bring(
  office: Office,
  content: string,
  { texts = PUBLISHED, sender = 'bounce@elsewhere.example', to = PLAIN }: How = {},
) {
  const listener = await office.listen({ resolver: dns(texts) });
  const caller = await greet(listener.port);
  const reply = await submit(caller, { recipients: [to], content, sender });
  caller.hangUp();
  if (!reply.startsWith('250 ')) throw new Error(reply);
  return listener.stats();
}
