/**
 * What a user would write instead of Adieu: BullMQ, MJML, Handlebars, cheerio and nodemailer, put together.
 *
 * A twin is one way of putting them together. All send the same newsletter with the same ways out; none has a ledger, a consent
 * gate or retries of its own.
 *
 * @module
 */
import { createCipheriv, type KeyObject, randomBytes } from 'node:crypto';
import type { SendMailOptions } from 'nodemailer';
import { DOMAIN, FROM, REPLY_TO, type Recipient } from '../newsletter.ts';

/** What a twin is started with. */
export interface TwinSetup {
  readonly relay: { readonly host: string; readonly port: number };
  readonly dkim: { readonly selector: string; readonly privateKey: string };
  /** PostgreSQL, for BullMQ. */
  readonly queueUrl: string;
}

/** One way. */
export interface Twin {
  readonly recipientsPerJob: number;
  /** Jobs at once. */
  readonly concurrency: number;
  deliver(recipient: Recipient): Promise<unknown>;
}

/** What every twin module exports. */
export type OpenTwin = (setup: TwinSetup) => Promise<Twin>;

/** The ways out of one recipient's mail. */
export interface WaysOut {
  readonly header: string;
  readonly oneClickUrl: string;
  readonly unsubscribeUrl: string;
}

const KEY = randomBytes(32);

/** Seals one recipient's links, a token each: AES-256-GCM with a nonce of its own. */
export function waysOut({ id, address }: Recipient): WaysOut {
  const url = (path: string): string => {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', KEY, nonce);
    const plain = JSON.stringify({ id, address, campaign: 'spring', scope: 'channel', path });
    const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return `https://${DOMAIN}${path}?token=${sealed.toString('base64url')}`;
  };
  return {
    header: url('/unsubscribe/one-click'),
    oneClickUrl: url('/unsubscribe/one-click'),
    unsubscribeUrl: url('/unsubscribe'),
  };
}

/** nodemailer's signer; what it leaves out by itself (RFC 8058 section 4) is named. */
export function dkimOptions({ selector }: TwinSetup['dkim'], privateKey: string | KeyObject) {
  return {
    domainName: DOMAIN,
    keySelector: selector,
    // Its types ask for text; its signer hands it to node:crypto, which takes either.
    privateKey: privateKey as string,
    headerFieldNames:
      'From:To:Subject:Reply-To:Date:Message-ID:MIME-Version:Content-Type:List-Unsubscribe:List-Unsubscribe-Post',
  };
}

/** A mail as nodemailer takes it. */
export function mailOf(
  { address }: Recipient,
  content: { readonly subject: string; readonly html: string; readonly text: string },
  { header }: WaysOut,
): SendMailOptions {
  return {
    from: { name: 'Brand', address: FROM },
    replyTo: REPLY_TO,
    to: address,
    ...content,
    textEncoding: 'quoted-printable',
    headers: {
      'List-Unsubscribe': { prepared: true, value: `<${header}>` },
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    },
  };
}
