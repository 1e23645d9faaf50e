/**
 * MTA-STS (RFC 8461): the policy that tells senders how to reach the exchangers of a domain, written and read.
 *
 * One rule: under `enforce` a sender that finds no valid TLS delivers nothing, opt-outs included, for as long as it remembers
 * the policy. So `enforce` is said only by who knows that the certificate outlives that memory.
 *
 * @module
 */
import { createHash } from 'node:crypto';

/** What a sender does when TLS fails: keeps the mail, or delivers and reports. */
export type StsMode = 'enforce' | 'testing';

/** A policy as somebody publishes it. */
export interface StsPolicy {
  readonly mode: StsMode | 'none';
  /** Names of exchangers; the first label may be `*`. */
  readonly exchangers: readonly string[];
  /** Seconds that a sender may remember it. */
  readonly maxAge: number;
}

/** Where a sender asks for it, at the host `mta-sts.` of the domain. */
export const STS_PATH = '/.well-known/mta-sts.txt';

/** Seconds: a week, the least that large providers do not complain about. */
export const STS_MAX_AGE = 604_800;

/** The policy of a domain with one exchanger (RFC 8461 §3.2). */
export function stsPolicy(exchanger: string, mode: StsMode): string {
  const lines = ['version: STSv1', `mode: ${mode}`, `mx: ${exchanger}`, `max_age: ${STS_MAX_AGE}`];
  return lines.map((line) => `${line}\r\n`).join('');
}

/** The id of a policy's text for its TXT record: another text, another id, and the same text the same (RFC 8461 §3.1). */
export function stsId(policy: string): string {
  return createHash('sha256').update(policy).digest('hex').slice(0, 32);
}

/** Reads a policy as a sender would; null for what a sender has to ignore. */
export function readStsPolicy(text: string): StsPolicy | null {
  const fields = text
    .split(/\r?\n/)
    .map((line) => /^([A-Za-z0-9][\w.-]*):[ \t]*(.*?)[ \t]*$/.exec(line))
    .flatMap((found) => (found === null ? [] : [[found[1] ?? '', found[2] ?? ''] as const]));
  // Of a field that comes twice the first counts.
  const first = (name: string): string => fields.find(([field]) => field === name)?.[1] ?? '';
  const exchangers = fields.filter(([field]) => field === 'mx').map(([, name]) => name.toLowerCase());
  const mode = (['enforce', 'testing', 'none'] as const).find((one) => one === first('mode'));
  if (first('version') !== 'STSv1' || mode === undefined || !/^\d{1,10}$/.test(first('max_age'))) return null;
  if (exchangers.length === 0 && mode !== 'none') return null;
  return { mode, exchangers, maxAge: Number(first('max_age')) };
}

/** Whether a policy knows an exchanger; `*` stands for one whole label (RFC 8461 §4.1). */
export function coversExchanger({ exchangers }: StsPolicy, exchanger: string): boolean {
  const name = exchanger.toLowerCase().replace(/\.$/, '');
  return exchangers.includes(name) || exchangers.includes(name.replace(/^[^.]+/, '*'));
}
