/**
 * Verifies the DKIM signatures of a message as a mailbox provider would, without a network of its own.
 *
 * DNS comes in as a function, so a demo or a test answers for its own domain and nothing leaves the machine.
 * Strict: RFC 6376, RFC 8301 (no SHA-1, RSA of at least 1024 bits) and RFC 8463 (Ed25519) to the letter.
 *
 * @module
 */
import type { ResolveTxt, SignatureReport, VerifySignatures } from '@adieu/core';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';

/**
 * One report per `DKIM-Signature` field, in the order of the fields; none for an unsigned message.
 * `signedHeaders` is the `h=` list in lower case with its repetitions, which is how oversigning shows.
 * `reason` says why a signature does not count. Never rejects for what a message contains.
 */
export const verifySignatures: VerifySignatures = async (message, resolve) => {
  const outcome = await dkimVerify(message, { strict: true, resolver: dnsAnswer(resolve) });
  const lists = signedLists(outcome.headers?.parsed ?? []);
  return outcome.results
    .filter((result) => result.status.result !== 'none')
    .map((result, index): SignatureReport => {
      const valid = result.status.result === 'pass';
      const reason = result.status.comment || result.status.policy?.['dkim-rules'] || result.status.result;
      return {
        valid,
        algorithm: result.algo ?? '',
        domain: result.signingDomain ?? '',
        selector: result.selector ?? '',
        signedHeaders: lists[index] ?? [],
        ...(valid ? {} : { reason }),
      };
    });
};

/** A name without a record is "no key", which the verifier knows by the code of Node's resolver. */
function dnsAnswer(resolve: ResolveTxt): (name: string, type: string) => Promise<string[][]> {
  return async (name) => {
    const records = await resolve(name);
    if (records.length === 0) throw Object.assign(new Error('no such record'), { code: 'ENOTFOUND' });
    return records.map((record) => [record]);
  };
}

function signedLists(
  fields: readonly { readonly key: string; readonly line: Buffer | string }[],
): string[][] {
  return fields
    .filter((field) => field.key === 'dkim-signature')
    .map((field) => signedList(field.line.toString()));
}

/** The names in `h=`; white space may stand anywhere around them (RFC 6376 §3.5). */
function signedList(line: string): string[] {
  const value = line.slice(line.indexOf(':') + 1);
  for (const tag of value.split(';')) {
    const [name, ...rest] = tag.split('=');
    if (name?.trim() !== 'h') continue;
    return rest
      .join('=')
      .split(':')
      .map((header) => header.trim().toLowerCase())
      .filter((header) => header !== '');
  }
  return [];
}
