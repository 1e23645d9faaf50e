/**
 * What a newcomer sees when the demo runs: what was sent, where to look, what to try.
 *
 * @module
 */
import { relative } from 'node:path';
import { type Outcome, settledCount } from '../outcome.ts';
import { outcomePage } from '../outcome-page.ts';
import type { Paints } from '../terminal.ts';
import { DEMO } from './brand.ts';

/** Where everything is. */
export interface Welcome {
  readonly outcome: Outcome;
  /** The letter was sent by an earlier start. */
  readonly earlier: boolean;
  readonly mailboxUrl: string;
  readonly apiUrl: string;
  readonly apiKey: { readonly value: string; readonly generated: boolean; readonly path: string | null };
  readonly logPath: string;
  /** A person sits at the keyboard. */
  readonly interactive: boolean;
  /** What `adieu` is called here: `node packages/app/dist/main.js`. */
  readonly program: string;
}

/** The page. */
export function welcomePage(welcome: Welcome, paints: Paints): string {
  const { bold, dim, blue } = paints;
  const people = settledCount(welcome.outcome);
  const headline = welcome.earlier
    ? `Everything is as it was. ${DEMO.letter} was sent by an earlier start and is not sent again:`
    : `${DEMO.letter}, by the demo brand ${DEMO.brand}, to ${people} people:`;
  return [
    '',
    headline,
    '',
    outcomePage(welcome.outcome, paints),
    '',
    `  ${bold('Mailbox')}   ${blue(welcome.mailboxUrl)}  ${dim('the mails, as their readers see them')}`,
    `  ${bold('API')}       ${blue(`${welcome.apiUrl}/docs`)}`,
    `  ${bold('API key')}   ${keyHint(welcome, paints)}`,
    `  ${bold('Log')}       ${welcome.logPath}`,
    '',
    bold('Try this'),
    '  1  Open the mailbox, open a mail and press Unsubscribe.',
    ...again(welcome),
    '  3  Put in your own newsletter.mjml and people.csv. Nothing leaves this machine: the mailbox takes it all.',
    '',
    dim('Ctrl-C stops; the next start keeps everything.'),
  ].join('\n');
}

function again({ interactive, program }: Welcome): string[] {
  const command = `${program} send ${shown(DEMO.template)} --to ${shown(DEMO.people)}`;
  const how = interactive ? 'Press s and Enter here to send again, or in another terminal:' : 'Send again:';
  return [`  2  ${how}`, `     ${command}`, '     It says who is skipped now, and why.'];
}

function keyHint({ apiKey }: Welcome, { dim }: Paints): string {
  if (apiKey.path === null) return 'the one in ADIEU_API_KEY';
  return apiKey.generated
    ? `${apiKey.value}  ${dim(`shown this once; kept in ${apiKey.path}`)}`
    : `in ${apiKey.path}`;
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
