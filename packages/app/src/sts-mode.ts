/**
 * What the MTA-STS policy of an exchanger may say, judged by the certificate that the inbound listener shows.
 *
 * One rule: `enforce` only where every sender finds that certificate valid, now and for as long as it may remember the policy;
 * otherwise mail that takes people out would wait at its senders, and be returned.
 *
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { STS_MAX_AGE, type StsMode } from '@adieu/core';

/** What is said, and what is missing for more. */
export interface StsJudgement {
  readonly mode: StsMode;
  /** Null when nothing is missing. */
  readonly why: string | null;
}

/** Judges an exchanger's name at a time. */
export type JudgeSts = (exchanger: string, now: Date) => StsJudgement;

/** `id-kp-serverAuth` (RFC 5280 section 4.2.1.12). */
const SERVER = '1.3.6.1.5.5.7.3.1';

/** Reads a listener's certificate once, PEM with its intermediates; null: it has none. */
export function openStsJudge(
  pem: string | null,
  roots: readonly string[] = pem === null ? [] : rootCertificates,
): JudgeSts {
  if (pem === null) return () => testing('there is no certificate, so no STARTTLS either');
  const file = certificatesOf(pem);
  if (file === null) return () => testing('a certificate in the file cannot be read');
  const path = trustedPath(file, roots);
  if (path === null) {
    return () => testing('the certificate, with those sent along, leads to no authority that senders know');
  }
  // Node calls the extended key usage that; senders take none that leaves servers out, wherever on the path.
  if (path.some(({ keyUsage }) => keyUsage !== undefined && !keyUsage.includes(SERVER))) {
    return () => testing('the certificate, or one that vouches for it, is not meant for servers');
  }
  const [own] = path;
  const until = Math.min(...path.map(({ validTo }) => Date.parse(validTo)));
  const since = Math.max(...path.map(({ validFrom }) => Date.parse(validFrom)));
  return (exchanger, now) => {
    // Senders compare names of the host only, never the subject (RFC 8461 section 4.1).
    if (own?.checkHost(exchanger, { subject: 'never', partialWildcards: false }) === undefined) {
      return testing(`the certificate does not name ${exchanger}`);
    }
    if (now.getTime() < since || until - now.getTime() <= STS_MAX_AGE * 1000) {
      return testing('the certificate ends within a week, for which senders may remember a policy');
    }
    return { mode: 'enforce', why: null };
  };
}

function testing(why: string): StsJudgement {
  return { mode: 'testing', why };
}

/** Null where one of them is torn. */
function certificatesOf(pem: string): readonly X509Certificate[] | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return null;
  }
}

/** From the first certificate of a file to a root; null where it leads to none. */
function trustedPath(
  file: readonly X509Certificate[],
  roots: readonly string[],
): readonly X509Certificate[] | null {
  const anchors = roots.map((root) => new X509Certificate(root));
  const [own, ...others] = file;
  const path = own === undefined ? [] : [own];
  // No longer than the file: certificates may sign each other in a circle.
  while (path.length > 0 && path.length <= file.length) {
    const last = path.at(-1) as X509Certificate;
    const signed = (issuer: X509Certificate): boolean =>
      issuer.ca && last.checkIssued(issuer) && last.verify(issuer.publicKey);
    const anchor = anchors.find(signed);
    if (anchor !== undefined) return [...path, anchor];
    const issuer = others.find(signed);
    if (issuer === undefined) return null;
    path.push(issuer);
  }
  return null;
}
