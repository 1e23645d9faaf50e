/**
 * What the signatures of a mail are worth to its way out: valid, covering, oversigned, aligned.
 *
 * @module
 */
import { isAligned, type SignatureReport } from '@adieu/core';
import { fieldsOf, type RawMail } from './field-reader.ts';
import { type Finding, finding } from './finding.ts';

/** Fields that a second one of would mislead. */
const OVERSIGNED = ['from', 'subject', 'reply-to', 'list-unsubscribe', 'list-unsubscribe-post'];
const PAIR = ['list-unsubscribe', 'list-unsubscribe-post'];

/** A valid signature that covers both fields: what providers ask before they show a one-click button (DK-1). */
export function coversOneClick(report: SignatureReport): boolean {
  return report.valid && ['from', ...PAIR].every((name) => report.signedHeaders.includes(name));
}

/** Judges the signatures. */
export function signatureFindings(mail: RawMail, reports: readonly SignatureReport[]): Finding[] {
  if (reports.length === 0) {
    const detail = 'No provider acts on List-Unsubscribe without a valid signature that covers it.';
    return [finding('wrong', 'DK-8', 'The mail is not signed', detail)];
  }
  return [...reports.map(validity), ...coverage(mail, reports), ...strength(mail, reports)];
}

function validity({ valid, algorithm, domain, selector, reason }: SignatureReport): Finding {
  const key = `${algorithm} by ${domain}, selector ${selector}`;
  if (valid) return finding('ok', 'DK-1', 'The signature is valid', key);
  return finding('wrong', 'DK-1', 'A signature is not valid', `${key}: ${reason ?? 'no reason given'}.`);
}

function coverage(mail: RawMail, reports: readonly SignatureReport[]): Finding[] {
  const present = PAIR.filter((name) => fieldsOf(mail, name).length > 0);
  if (present.length === 0) return [];
  if (
    reports.some((report) => report.valid && present.every((name) => report.signedHeaders.includes(name)))
  ) {
    return [finding('ok', 'DK-1', 'A valid signature covers the way out', present.join(', '))];
  }
  const valid = reports.filter((report) => report.valid);
  if (valid.length === 0) {
    return [
      finding('wrong', 'OH-4', 'No valid signature covers List-Unsubscribe', 'Providers ignore the field.'),
    ];
  }
  const lacking = present.filter((name) => valid.every((report) => !report.signedHeaders.includes(name)));
  const detail = `h= of ${valid.map(({ domain }) => domain).join(', ')} does not name ${lacking.join(' and ') || 'both together'}.`;
  return [finding('wrong', 'DK-1', 'The signature does not cover the way out', detail)];
}

function strength(mail: RawMail, reports: readonly SignatureReport[]): Finding[] {
  const findings: Finding[] = [];
  const [best] = reports.filter(({ valid }) => valid);
  if (best === undefined) return findings;
  const open = OVERSIGNED.filter((name) => {
    const present = fieldsOf(mail, name).length;
    return present > 0 && best.signedHeaders.filter((signed) => signed === name).length <= present;
  });
  if (open.length === 0)
    findings.push(finding('ok', 'DK-3', 'A second From, Subject or List-Unsubscribe breaks the signature'));
  else {
    const detail = `Somebody can put another ${open.join(', ')} before it and the signature still holds.`;
    findings.push(finding('warn', 'DK-3', 'The signature is not oversigned', detail));
  }
  if (fieldsOf(mail, 'DKIM-Signature').some(({ value }) => /(?:^|;)\s*l\s*=/.test(value))) {
    findings.push(
      finding('warn', 'DK-7', 'The signature covers a part of the body only (l=)', 'Anybody may append.'),
    );
  }
  if (!reports.some(({ valid, algorithm }) => valid && algorithm === 'rsa-sha256')) {
    findings.push(finding('warn', 'DK-6', 'No valid RSA signature', 'Many receivers know RSA only.'));
  }
  const from = /@([^@>\s]+)>?\s*$/.exec(fieldsOf(mail, 'From')[0]?.value ?? '')?.[1];
  if (from !== undefined && !reports.some(({ valid, domain }) => valid && isAligned(from, domain))) {
    findings.push(
      finding(
        'warn',
        'DK-9',
        'From is not aligned with the signature',
        `${from} is signed by ${best.domain}.`,
      ),
    );
  }
  return findings;
}
