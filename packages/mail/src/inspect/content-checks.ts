/**
 * What the parts of a mail say to the person who reads them: is the way out there, seen, whole, and discreet?
 *
 * @module
 */
import { findPlaceholder } from '../placeholder.ts';
import { fieldsOf, type RawMail } from './field-reader.ts';
import { type Finding, finding } from './finding.ts';
import type { Hyperlink } from './hyperlink.ts';
import type { MailParts } from './part-reader.ts';
import type { ListUnsubscribe } from './unsubscribe-checks.ts';

/** Gmail clips a longer HTML part, and with it the footer. */
const CLIPPED_BYTES = 102_400;

/** What an unsubscribe link is called, in the languages of most mail. */
const OPT_OUT_WORDS =
  /unsubscri|opt[ -]?out|preferences|abmeld|abbestell|austragen|d[eé]sabonn|d[eé]sinscri|se d[eé]sinscrire|darse de baja|cancelar (?:la )?suscripci|disiscriv|annulla l.iscrizione|afmelden|uitschrijven|cancelar (?:a )?(?:inscri|subscri)|wypisz|rezygn|配信停止|購読解除|إلغاء الاشتراك/i;
const OPT_OUT_URL = /unsubscri|opt-?out|\/preferences\b|[?&]params=[\w-]+&pid=[\w-]+/i;

/** Left over when somebody's template was not filled: Handlebars, Mailchimp, SendGrid and their like. */
const PLACEHOLDER =
  /\{\{[^{}\n]{1,200}\}\}|\*\|[A-Z][A-Z0-9_:]{1,60}\|\*|%%[A-Za-z_]{2,60}%%|\[%[^%\n]{1,60}%\]/;
const ATTRIBUTE = /\sdata-(?:link-type|consent-level|personalized)\s{0,9}=/i;

/** A link that leads out: by its address, by its words, or because the header names it. */
export function isOptOutLink(link: Hyperlink, header: ListUnsubscribe): boolean {
  return link.url === header.https || OPT_OUT_URL.test(link.url) || OPT_OUT_WORDS.test(link.text);
}

/** Judges the parts. */
export function contentFindings(
  mail: RawMail,
  parts: MailParts,
  given: { readonly links: readonly Hyperlink[]; readonly header: ListUnsubscribe },
): Finding[] {
  const { links, header } = given;
  return [
    ...wayOut(parts, links, header),
    ...leftovers(parts),
    ...size(parts),
    ...escaping(links),
    ...hosts(links),
    ...privacy(mail, links, header),
    ...parts.faults.map((fault) => finding('info', 'IN-17', 'Not everything was read', `${fault}.`)),
  ];
}

function wayOut(parts: MailParts, links: readonly Hyperlink[], header: ListUnsubscribe): Finding[] {
  const findings: Finding[] = [];
  const out = links.filter((link) => isOptOutLink(link, header));
  if (parts.html !== undefined) {
    const inHtml = out.filter(({ part }) => part === 'html');
    if (inHtml.some(({ visible }) => visible)) {
      findings.push(finding('ok', 'OH-23', 'The HTML part shows an opt-out link', shown(inHtml)));
    } else {
      const detail =
        inHtml.length > 0
          ? 'There is one, but nobody sees it: it is hidden or has no words.'
          : 'Gmail and the law ask for one that is seen, beside the header.';
      findings.push(finding('wrong', 'OH-23', 'The HTML part shows no opt-out link', detail));
    }
  }
  if (parts.text !== undefined) {
    const inText = out.filter(({ part }) => part === 'text');
    findings.push(
      inText.length > 0
        ? finding('ok', 'OH-21', 'The text part has an opt-out link')
        : finding(
            'warn',
            'OH-21',
            'The text part has no opt-out link',
            'Whoever reads text has no way out in the mail.',
          ),
    );
  }
  return findings;
}

function shown(links: readonly Hyperlink[]): string {
  return links
    .filter(({ visible }) => visible)
    .map(({ text }) => `"${text.slice(0, 40)}"`)
    .join(', ');
}

function leftovers(parts: MailParts): Finding[] {
  const findings: Finding[] = [];
  for (const part of ['html', 'text'] as const) {
    const text = parts[part] ?? '';
    const left = PLACEHOLDER.exec(text)?.[0] ?? findPlaceholder(text)?.spelled;
    if (left !== undefined) {
      findings.push(
        finding('wrong', 'OH-21', `A placeholder is left in the ${part} part`, left.slice(0, 80)),
      );
    }
  }
  if (ATTRIBUTE.test(parts.html ?? '')) {
    const detail = 'data-link-type and its like tell Adieu what to do; the link was not made.';
    findings.push(finding('wrong', 'OH-21', 'An attribute of Adieu reached the recipient', detail));
  }
  return findings;
}

function size({ html, htmlBytes }: MailParts): Finding[] {
  if (html === undefined || htmlBytes <= CLIPPED_BYTES) return [];
  const detail = `It has ${htmlBytes} bytes; Gmail clips at ${CLIPPED_BYTES} and hides the footer.`;
  return [finding('warn', 'OH-24', 'The HTML part is too long', detail)];
}

function escaping(links: readonly Hyperlink[]): Finding[] {
  const broken = links.find(({ url }) => /&amp;(?:params|pid|sig|[a-z_]+)=/i.test(url));
  if (broken === undefined) return [];
  const detail = `After decoding once there is still "&amp;" in it: ${broken.url.slice(0, 80)}`;
  return [finding('wrong', 'OH-22', 'A URL is escaped twice', detail)];
}

/** Editors put `http://` before whatever they do not know, and then nobody gets anywhere. */
function hosts(links: readonly Hyperlink[]): Finding[] {
  const broken = links.find(({ url }) => /^https?:[\\/]*https?(?=[:/?#\\]|$)/i.test(url));
  if (broken === undefined) return [];
  const detail = `It leads to a host named http or https: ${broken.url.slice(0, 80)}`;
  return [finding('wrong', 'OH-22', 'A link leads nowhere', detail)];
}

/** Whoever sees a URL, a proxy or a referrer, must not learn whose it is (TK-3). */
function privacy(mail: RawMail, links: readonly Hyperlink[], header: ListUnsubscribe): Finding[] {
  const address = /([^\s<>,;:"]{1,64}@[^\s<>,;:"]{1,255})/.exec(fieldsOf(mail, 'To')[0]?.value ?? '')?.[1];
  const out = links.filter((link) => isOptOutLink(link, header)).map(({ url }) => url);
  const urls = [...new Set([...out, header.https, header.mailto].filter((url) => url !== undefined))];
  const findings: Finding[] = [];
  const leaking = address === undefined ? undefined : urls.find((url) => names(url, address.toLowerCase()));
  if (leaking !== undefined) {
    const detail = 'The recipient’s address stands in an opt-out URL, plain or merely encoded.';
    findings.push(finding('wrong', 'TK-3', 'The address can be read in a URL', detail));
  }
  const counting = urls.find((url) =>
    /[?&](?:u|uid|id|user|userid|user_id|sub|subscriber|contact|email_id)=\d{1,12}(?:&|$)/i.test(url),
  );
  if (counting !== undefined) {
    const detail = 'A number that counts up lets anybody opt out the neighbours.';
    findings.push(finding('wrong', 'TK-3', 'A sequential id can be read in a URL', detail));
  }
  if (urls.length > 0 && findings.length === 0) {
    findings.push(finding('ok', 'TK-3', 'No address and no plain id can be read in the opt-out URLs'));
  }
  return findings;
}

/** Plain, percent-encoded, base64 or hexadecimal. */
function names(url: string, address: string): boolean {
  const words = url.slice(0, 4_000).split(/[/?&=#:;,]/);
  return words.some((word) => {
    const percent = word.includes('%') ? decodePercent(word) : word;
    const decodings = [word, percent, Buffer.from(percent, 'base64').toString('latin1')];
    if (/^(?:[0-9a-f]{2}){6,}$/i.test(word)) decodings.push(Buffer.from(word, 'hex').toString('latin1'));
    return decodings.some((text) => text.toLowerCase().includes(address));
  });
}

function decodePercent(word: string): string {
  return Buffer.from(
    word.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');
}
