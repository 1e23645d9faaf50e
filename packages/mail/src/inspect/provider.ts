/**
 * What four mailbox providers make of a mail's way out.
 *
 * Their rules differ, and the differences are why both URIs must be there: Gmail and Yahoo post to the https URI
 * when a valid signature covers it, Apple Mail writes to the mailto URI, Outlook takes either.
 *
 * @module
 */
import type { SignatureReport } from '@adieu/core';
import { type Finding, finding } from './finding.ts';
import { coversOneClick } from './signature-checks.ts';
import type { ListUnsubscribe } from './unsubscribe-checks.ts';

/** What a provider shows beside the sender. */
export interface ProviderView {
  readonly provider: 'Gmail' | 'Yahoo' | 'Apple Mail' | 'Outlook';
  readonly button: 'one-click' | 'mailto' | 'none';
  readonly why: string;
}

/** The views of all four. */
export function providerViews(
  read: ListUnsubscribe,
  reports: readonly SignatureReport[],
): readonly ProviderView[] {
  const obstacle = oneClickObstacle(read, reports);
  const posting = (provider: ProviderView['provider']): ProviderView => {
    if (obstacle === null) return { provider, button: 'one-click', why: 'It posts to the https URI.' };
    if (read.mailto === undefined)
      return { provider, button: 'none', why: `${obstacle} There is no mailto URI either.` };
    return { provider, button: 'mailto', why: `${obstacle} It falls back to the mailto URI.` };
  };
  const apple: ProviderView =
    read.mailto === undefined
      ? { provider: 'Apple Mail', button: 'none', why: 'It knows mailto URIs only, and there is none.' }
      : {
          provider: 'Apple Mail',
          button: 'mailto',
          why: 'It writes to the mailto URI, with an empty subject.',
        };
  return [posting('Gmail'), posting('Yahoo'), apple, posting('Outlook')];
}

/** One finding for each. */
export function providerFindings(views: readonly ProviderView[]): Finding[] {
  return views.map(({ provider, button, why }) => {
    if (button === 'none') return finding('warn', 'U10', `${provider} shows no unsubscribe button`, why);
    const level = button === 'mailto' && provider !== 'Apple Mail' ? 'info' : 'ok';
    return finding(level, 'U10', `${provider} shows an unsubscribe button (${button})`, why);
  });
}

function oneClickObstacle(read: ListUnsubscribe, reports: readonly SignatureReport[]): string | null {
  if (read.https === undefined) return 'List-Unsubscribe has no single https URI.';
  if (!read.post) return 'List-Unsubscribe-Post is missing or not exact.';
  if (reports.length === 0) return 'The mail is not signed.';
  if (!reports.some(({ valid }) => valid)) return 'No signature is valid.';
  if (!reports.some(coversOneClick)) return 'No valid signature covers both fields.';
  return null;
}
