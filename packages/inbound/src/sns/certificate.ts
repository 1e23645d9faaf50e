/**
 * The certificates that Amazon SNS signs with, fetched once and kept.
 *
 * The rule: the host comes from a topic that the operator listed, the path has SNS's one form, with no query, since other paths of
 * that host answer with words of strangers. TLS to that host is what vouches for the certificate: it comes alone,
 * without the chain of its issuer. Its dates, its subject and its key are looked at all the same.
 *
 * @module
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { Failure } from '@adieu/core';
import type { Fetched, Fetching } from './fetching.ts';

/** A key to verify with, or why there is none. */
export type SigningKey =
  | { readonly kind: 'key'; readonly key: KeyObject }
  | { readonly kind: 'refused'; readonly detail: string };

/** Certificates by their URLs. */
export interface Certificates {
  /** Rejects with a temporary `Failure` when nobody can tell now. */
  find(url: string): Promise<SigningKey>;
}

/** What certificates are opened with. */
export interface CertificateOptions {
  readonly fetching: Fetching;
  readonly now: () => Date;
}

const PATH = '/SimpleNotificationService-[0-9a-zA-Z]{32}\\.pem';
/** `sns.amazonaws.com`, `sns-us-gov-west-1.amazonaws.com`, `sns-signing.eu-south-1.amazonaws.com`: it depends on the region. */
const SUBJECT = /^CN=sns(?:-signing)?(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$/m;
const LEAST_BITS = 2_048;
/** A certificate that was withdrawn is believed no longer than this, in milliseconds; twice as long while nobody can tell. */
const KEPT = 86_400_000;
/** There is one per region, and a new one each year. */
const MOST_KEPT = 50;
/** Fetches at once; who knows the name of a topic can cause them. */
const MOST_FETCHED = 5;

/** Tells whether a URL is that of a certificate on the host of a topic, spelt exactly so. */
export function isCertificateUrl(url: string, host: string): boolean {
  return new RegExp(`^https://${host.replaceAll('.', '\\.')}${PATH}$`).test(url);
}

/** Opens the memory of certificates. Only good ones are kept, so a stranger cannot fill it. */
export function openCertificates({ fetching, now }: CertificateOptions): Certificates {
  const kept = new Map<string, { readonly certificate: X509Certificate; readonly until: number }>();
  const asking = new Map<string, Promise<X509Certificate | null>>();

  async function fetchOne(url: string): Promise<X509Certificate | null> {
    const fetched = await fetching(url).catch((cause: unknown) => {
      throw unavailable(cause);
    });
    const certificate = readCertificate(fetched);
    kept.delete(url);
    if (certificate === null) return null;
    for (const oldest of kept.keys()) if (kept.size >= MOST_KEPT) kept.delete(oldest);
    kept.set(url, { certificate, until: now().getTime() + KEPT });
    return certificate;
  }

  async function ask(url: string): Promise<X509Certificate | null> {
    const pending = asking.get(url);
    if (pending === undefined && asking.size >= MOST_FETCHED) throw unavailable();
    const asked = pending ?? fetchOne(url).finally(() => asking.delete(url));
    asking.set(url, asked);
    return asked;
  }

  return {
    async find(url) {
      const { certificate: known, until = 0 } = kept.get(url) ?? {};
      if (known !== undefined && until > now().getTime()) return judge(known, now());
      // Strangers who keep all fetches busy keep no message of SNS waiting.
      const certificate = await ask(url).catch((error: unknown) => {
        if (known === undefined || until + KEPT <= now().getTime()) throw error;
        return known;
      });
      if (certificate === null)
        return { kind: 'refused', detail: 'There is no certificate of Amazon SNS at its URL.' };
      return judge(certificate, now());
    },
  };
}

/** Null when there is none for good; a server in trouble may have it later. */
function readCertificate({ status, body }: Fetched): X509Certificate | null {
  if (status >= 500 || status === 429) throw unavailable();
  if (status !== 200) return null;
  try {
    const certificate = new X509Certificate(body);
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey;
    const strong = type === 'rsa' && (details?.modulusLength ?? 0) >= LEAST_BITS;
    return strong && SUBJECT.test(certificate.subject) ? certificate : null;
  } catch {
    return null;
  }
}

function judge({ validFrom, validTo, publicKey }: X509Certificate, now: Date): SigningKey {
  if (now < new Date(validFrom) || now > new Date(validTo))
    return { kind: 'refused', detail: 'The certificate is not valid at this time.' };
  return { kind: 'key', key: publicKey };
}

function unavailable(cause?: unknown): Failure {
  const detail = 'The certificate of Amazon SNS cannot be fetched just now.';
  return new Failure('certificate_unavailable', detail, { temporary: true, cause });
}
