/**
 * The DKIM signer (RFC 6376, RFC 8463): relaxed/relaxed, RSA-2048 always, Ed25519 as a second signature.
 *
 * It fails closed: without a usable RSA key there is no signer, and when signing fails there is no message. Fields
 * are oversigned, that is named once more than they occur, so that nobody can put a second List-Unsubscribe or
 * Subject before ours and keep the signature (DK-3). What a relay rewrites is not signed at all (DK-4).
 *
 * @module
 */
import { type DkimAlgorithm, type DkimKey, Failure, readDkimKey } from '@adieu/core';
import { type HeaderField, relaxField, writeField } from './field.ts';
import { type MakeSignature, type SigningKey, signText } from './signature.ts';

/** Signs messages of one subdomain. */
export interface Signer {
  /**
   * The `DKIM-Signature` fields of a message, ready to stand before its header. `bodyHash` is base64.
   * Rejects with a temporary `dkim_signing_failed`; there is no unsigned way out.
   */
  readonly sign: (fields: readonly HeaderField[], bodyHash: string, at: Date) => Promise<string>;
}

/** Who signs, and what may change on the way. */
export interface SignerOptions {
  /** `d=`. */
  readonly domain: string;
  readonly keys: readonly DkimKey[];
  /** Amazon SES rewrites Message-ID and Date, and adds a Feedback-ID: none of them is signed then. */
  readonly relay: 'plain' | 'ses';
  readonly emailType: 'marketing' | 'transactional';
  /** Makes the signatures; in the thread that asks unless told otherwise. */
  readonly makeSignature?: MakeSignature | undefined;
}

/** Fields that every message has, and never twice. */
const ALWAYS = ['From', 'To', 'Subject', 'Reply-To', 'MIME-Version', 'Content-Type'];
/** Oversigned when present: a relay may have reason to add them to a message without. */
const WHEN_PRESENT = ['List-Unsubscribe', 'List-Unsubscribe-Post', 'List-Id'];
/** Signed, but a second one may come, above ours. */
const ONCE = ['Feedback-ID'];
/** What Amazon SES replaces. It also adds a Feedback-ID below ours, which a verifier would take for the signed one. */
const REPLACED = ['Message-ID', 'Date'];
/** Absent from our mail; nobody adds them to marketing mail with honest intent. */
const ABSENT = ['Cc', 'Sender'];

const LINE_LIMIT = 78;

interface SelectedKey extends SigningKey {
  readonly selector: string;
}

const signHere: MakeSignature = async (text, key) => signText(text, key);

/** Reads the keys. Throws `dkim_key_missing`, and `dkim_key_invalid` for a key that cannot sign (DK-8). */
export function openSigner(options: SignerOptions): Signer {
  const keys = [signingKey(options.keys, 'rsa-sha256'), signingKey(options.keys, 'ed25519-sha256')];
  if (keys[0] === null) {
    throw new Failure('dkim_key_missing', `The subdomain ${options.domain} has no RSA key to sign with.`);
  }
  const present = keys.filter((key) => key !== null);
  const { domain, makeSignature = signHere } = options;
  return {
    async sign(fields, bodyHash, at) {
      const names = signedNames(fields, options);
      const signed = canonicalHeader(fields, names);
      const list = foldNames(names);
      const stamp = Math.floor(at.getTime() / 1000);
      const signatures = present.map((key) =>
        signWith(key, { domain, list, bodyHash, stamp, signed, makeSignature }),
      );
      return (await Promise.all(signatures)).join('');
    },
  };
}

/** `h=` of a message, in order; a name that occurs once stands there twice. */
function signedNames(fields: readonly HeaderField[], { relay, emailType }: SignerOptions): readonly string[] {
  const present = new Map<string, number>();
  for (const { name } of fields) present.set(name, (present.get(name) ?? 0) + 1);
  const names: string[] = [];
  const add = (name: string, more: number): void => {
    for (let count = (present.get(name) ?? 0) + more; count > 0; count -= 1) names.push(name);
  };
  for (const name of ALWAYS) add(name, 1);
  for (const name of WHEN_PRESENT) if (present.has(name)) add(name, 1);
  if (relay !== 'ses') for (const name of REPLACED) add(name, 1);
  if (emailType === 'marketing') for (const name of ABSENT) add(name, 1);
  if (relay !== 'ses') for (const name of ONCE) add(name, 0);
  return names;
}

/** The fields in the order of `h=`, the last of a name first; a name beyond them adds nothing (section 5.4.2). */
function canonicalHeader(fields: readonly HeaderField[], names: readonly string[]): string {
  const left = new Map<string, HeaderField[]>();
  for (const field of fields) left.set(field.name, [...(left.get(field.name) ?? []), field]);
  let canonical = '';
  for (const name of names) {
    const field = left.get(name)?.pop();
    if (field !== undefined) canonical += relaxField(field);
  }
  return canonical;
}

interface Unsigned {
  readonly domain: string;
  /** `h=`, folded. */
  readonly list: string;
  readonly bodyHash: string;
  readonly stamp: number;
  /** The canonical header before the signature field. */
  readonly signed: string;
  readonly makeSignature: MakeSignature;
}

async function signWith({ selector, ...key }: SelectedKey, unsigned: Unsigned): Promise<string> {
  const { domain, list, bodyHash, stamp, signed, makeSignature } = unsigned;
  const tags = `v=1; a=${key.algorithm}; c=relaxed/relaxed; t=${stamp};\r\n d=${domain};\r\n s=${selector};`;
  const value = `${tags}\r\n h=${list};\r\n bh=${bodyHash};\r\n b=`;
  // The field is signed with an empty b= and without its CRLF (section 3.7).
  const own = relaxField({ name: 'DKIM-Signature', value }).slice(0, -2);
  const signature = await makeSignature(signed + own, key).catch((cause: unknown) => {
    throw new Failure('dkim_signing_failed', 'The message could not be signed.', { temporary: true, cause });
  });
  return writeField({ name: 'DKIM-Signature', value: value + foldSignature(signature) });
}

function signingKey(keys: readonly DkimKey[], algorithm: DkimAlgorithm): SelectedKey | null {
  const found = keys.find((key) => key.algorithm === algorithm);
  if (found === undefined) return null;
  return { selector: found.selector, algorithm, key: readDkimKey(found.privateKey, algorithm) };
}

/** White space is allowed around the colons (section 3.5). */
function foldNames(names: readonly string[]): string {
  let width = ' h='.length;
  let folded = '';
  for (const [index, name] of names.entries()) {
    const piece = index === names.length - 1 ? name : `${name}:`;
    if (width + piece.length > LINE_LIMIT - 1) {
      folded += '\r\n  ';
      width = 2;
    }
    folded += piece;
    width += piece.length;
  }
  return folded;
}

function foldSignature(base64: string): string {
  const lines = [base64.slice(0, LINE_LIMIT - 3)];
  for (let at = LINE_LIMIT - 3; at < base64.length; at += LINE_LIMIT - 1) {
    lines.push(base64.slice(at, at + LINE_LIMIT - 1));
  }
  return lines.join('\r\n ');
}
