/**
 * What `adieu doctor` found out about one thing, and what to publish where that puts it right.
 *
 * @module
 */
import type { DnsRecord } from '@adieu/core';
import type { Silence } from './name-server.ts';

/** `wrong`: mail is lost by it, or a duty is missed. `warning`: it could be better. `unknown`: nobody could say. */
export type Verdict = 'ok' | 'warning' | 'wrong' | 'unknown';

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly says: string;
  /** What DNS should answer instead. */
  readonly publish?: DnsRecord | undefined;
}

const SIGNS = { ok: 'ok       ', warning: 'warning  ', wrong: 'WRONG    ', unknown: '?        ' } as const;

/** Nobody could say. */
export function unknown(check: string, { code }: Silence): Finding {
  return { check, verdict: 'unknown', says: `DNS does not answer (${code}).` };
}

/** Findings for a person to read. */
export function findingsPage(findings: readonly Finding[]): string {
  return findings
    .map(({ check, verdict, says, publish }) => {
      const line = `${SIGNS[verdict]}${check}: ${says}`;
      if (publish === undefined) return line;
      return `${line}\n         Publish: ${publish.name} ${publish.type} ${publish.value}`;
    })
    .join('\n');
}
