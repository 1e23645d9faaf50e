/**
 * What every mail that is counted has to be: the same letter to the eye, signed, to the right person, once.
 *
 * One rule: a pipeline whose mails do not pass has no figures. Mails are read by cheerio and mailauth and by nothing of Adieu's own.
 *
 * @module
 */
import { load } from 'cheerio';
import Handlebars from 'handlebars';
import mjml2html from 'mjml';
import { verifySignatures } from '../../packages/inbound/src/signatures.ts';
import { decodedParts } from '../decoded-parts.ts';
import { DOMAIN, MJML, type Recipient, recipient, SUBJECT, TEXT } from './newsletter.ts';
import type { Summary } from './sink.ts';

/** Reads mails of the newsletter; answers what is wrong with them. */
export interface Verifier {
  /** One mail, whoever it is to. */
  complaintsAbout(raw: Buffer): Promise<readonly string[]>;
  /** Throws when a round did not deliver `count` mails, each once, and what was kept of them in order. */
  check(summary: Summary, count: number): Promise<void>;
}

const WAY_OUT = /^https:\/\/news\.example\.com\/\S+\?\S{60,}$/;
/** What has to be signed, whoever signs. */
const SIGNED = ['from', 'to', 'subject', 'list-unsubscribe', 'list-unsubscribe-post'];

/** Compiles the newsletter once, by itself. `dns`: TXT records by name. */
export async function openVerifier(dns: ReadonlyMap<string, string>): Promise<Verifier> {
  const html = Handlebars.compile((await mjml2html(MJML)).html);
  const text = Handlebars.compile(TEXT, { noEscape: true });
  const subject = Handlebars.compile(SUBJECT, { noEscape: true });
  const seen = new Set<string>();

  async function complaintsAbout(raw: Buffer): Promise<readonly string[]> {
    const header = headerOf(raw);
    const to = /<?([^<>\s]+@[^<>\s]+?)>?$/.exec(header.get('to') ?? '')?.[1] ?? '';
    const person = recipient(Number(/^p(\d+)@/.exec(to)?.[1] ?? -1));
    if (person.address !== to) return [`to nobody of the newsletter: ${to}`];
    const want = expected(person);
    const parts = decodedParts(raw);
    const got = { html: visible(parts.html), text: plain(parts.text) };
    const waysOut = [
      ...got.html.waysOut,
      header.get('list-unsubscribe')?.match(/<(https:[^>]*)>/)?.[1] ?? '',
    ];
    const complaints = [
      header.get('subject') === want.subject ? null : `another subject: ${header.get('subject')}`,
      got.html.words === want.html.words ? null : firstDifference('HTML', got.html.words, want.html.words),
      got.html.links === want.html.links ? null : 'other links than the letter has',
      got.text === want.text ? null : firstDifference('text', got.text, want.text),
      waysOut.length === 3 && waysOut.every((link) => WAY_OUT.test(link)) ? null : 'no way out',
      waysOut.some((link) => seen.has(link)) ? "somebody else's way out" : null,
      ...(await signatureComplaints(raw, dns)),
    ].filter((complaint) => complaint !== null);
    for (const link of waysOut) seen.add(link);
    return complaints;
  }

  function expected(person: Recipient) {
    const data = { profile: person.profile, unsubscribeUrl: `https://${DOMAIN}/` };
    return { subject: subject(data), html: visible(html(data)), text: plain(text(data)) };
  }

  return {
    complaintsAbout,
    async check({ arrivals, kept }, count) {
      const ids = new Set(arrivals.map(({ messageId }) => messageId));
      const people = new Set(arrivals.map(({ to }) => to));
      if (arrivals.length !== count) throw new Error(`${arrivals.length} mails arrived instead of ${count}`);
      if (ids.size !== count || ids.has('')) throw new Error(`${count} mails have ${ids.size} Message-IDs`);
      if (people.size !== count) throw new Error(`${count} mails went to ${people.size} people`);
      if (kept.length === 0) throw new Error('no mail was kept to look at');
      for (const raw of kept) {
        const complaints = await complaintsAbout(raw);
        if (complaints.length > 0) throw new Error(`a mail is not the newsletter: ${complaints.join('; ')}`);
      }
    },
  };
}

/** Words and links that a reader has; ways out apart. White space is as HTML folds it. */
function visible(html: string) {
  const $ = load(html);
  $('style, script, title').remove();
  // Blocks begin lines of their own whatever white space stands between their tags.
  $('body *').append(' ');
  const links = $('a')
    .toArray()
    .map((link) => $(link).attr('href') ?? '');
  const own = links.filter((link) => link.startsWith(`https://${DOMAIN}/`));
  const others = links.filter((link) => !own.includes(link) && link !== '#');
  return { words: fold($('body').text()), links: others.join(' '), waysOut: own };
}

/** The text part; where its way out leads is not compared. */
function plain(text: string): string {
  return fold(text.replace(/https:\/\/news\.example\.com\/\S*/g, 'https://news.example.com/'));
}

function fold(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** Fields by name in lower case, unfolded; the last of a name. */
function headerOf(raw: Buffer): ReadonlyMap<string, string> {
  const text = raw.toString('latin1');
  const lines = text
    .slice(0, text.indexOf('\r\n\r\n'))
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

async function signatureComplaints(raw: Buffer, dns: ReadonlyMap<string, string>): Promise<string[]> {
  const reports = await verifySignatures(raw, async (name) => {
    const record = dns.get(name);
    return record === undefined ? [] : [record];
  });
  const complaints = reports.filter(({ valid }) => !valid).map(({ reason }) => `a bad signature: ${reason}`);
  const good = reports.find(
    ({ valid, algorithm, domain }) => valid && algorithm === 'rsa-sha256' && domain === DOMAIN,
  );
  if (good === undefined) return [...complaints, 'no valid RSA signature'];
  const missing = SIGNED.filter((name) => !good.signedHeaders.includes(name));
  return missing.length === 0 ? complaints : [...complaints, `not signed: ${missing.join(' ')}`];
}

function firstDifference(part: string, got: string, want: string): string {
  let at = 0;
  while (at < got.length && got[at] === want[at]) at++;
  const excerpt = (text: string): string => text.slice(Math.max(0, at - 20), at + 40);
  return `another ${part}: "${excerpt(got)}" instead of "${excerpt(want)}"`;
}
