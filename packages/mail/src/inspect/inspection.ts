/**
 * Walks a delivered mail as a mailbox provider would (U10), and says what is wrong and why something is missing.
 *
 * Any mail, not only ours. The header is read byte by byte; signatures are verified by what is handed in, since
 * this package has no network; every step is bounded, so that a hostile mail only gets a worse verdict.
 *
 * @module
 */
import type { ResolveTxt, SignatureReport, VerifySignatures } from '@adieu/core';
import { contentFindings } from './content-checks.ts';
import { explain } from './explanation.ts';
import { readMail } from './field-reader.ts';
import { type Finding, finding } from './finding.ts';
import { headerFindings } from './header-checks.ts';
import { findHyperlinks, findTextLinks, type Hyperlink } from './hyperlink.ts';
import { readParts } from './part-reader.ts';
import { type ProviderView, providerFindings, providerViews } from './provider.ts';
import { signatureFindings } from './signature-checks.ts';
import { type ListUnsubscribe, readListUnsubscribe, unsubscribeFindings } from './unsubscribe-checks.ts';

/** A field with what it is for. */
export interface ExplainedField {
  readonly name: string;
  /** Unfolded, encoded-words left as they are. */
  readonly value: string;
  /** Empty when there is nothing to say. */
  readonly explanation: string;
}

/** What a mail looks like from outside. */
export interface Inspection {
  readonly findings: readonly Finding[];
  readonly listUnsubscribe: ListUnsubscribe;
  readonly providers: readonly ProviderView[];
  readonly headers: readonly ExplainedField[];
  readonly links: readonly Hyperlink[];
  readonly signatures: readonly SignatureReport[];
  readonly text?: string;
  readonly html?: string;
}

/** Fields that are shown; a mail with more is told so. */
const SHOWN_FIELDS = 1_000;

/** Inspects a mail. Never throws for what the mail holds; a verifier that fails counts as no valid signature. */
export async function inspectMessage(
  raw: Buffer,
  options: { readonly verify: VerifySignatures; readonly resolve: ResolveTxt },
): Promise<Inspection> {
  const mail = readMail(raw);
  const parts = readParts(mail);
  const header = readListUnsubscribe(mail);
  const links = [...findHyperlinks(parts.html ?? ''), ...findTextLinks(parts.text ?? '')];
  const { signatures, failures } = await verified(mail.bytes, options);
  const providers = providerViews(header, signatures);
  const findings = [
    ...headerFindings(mail),
    ...unsubscribeFindings(mail, header),
    ...failures,
    ...(failures.length > 0 ? [] : signatureFindings(mail, signatures)),
    ...contentFindings(mail, parts, { links, header }),
    ...providerFindings(providers),
  ];
  return {
    findings,
    listUnsubscribe: header,
    providers,
    headers: mail.fields.slice(0, SHOWN_FIELDS).map((field) => ({
      name: field.name,
      value: field.value,
      explanation: explain(field),
    })),
    links,
    signatures,
    ...(parts.text === undefined ? {} : { text: parts.text }),
    ...(parts.html === undefined ? {} : { html: parts.html }),
  };
}

async function verified(
  bytes: Buffer,
  { verify, resolve }: { readonly verify: VerifySignatures; readonly resolve: ResolveTxt },
): Promise<{ readonly signatures: readonly SignatureReport[]; readonly failures: readonly Finding[] }> {
  try {
    return { signatures: await verify(bytes, resolve), failures: [] };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return {
      signatures: [],
      failures: [finding('warn', 'DK-1', 'The signatures could not be checked', detail)],
    };
  }
}
