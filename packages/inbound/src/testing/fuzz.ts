/**
 * Many dialogues against one listener, and the three things that must not happen: a crash, a hang, an invented opt-out.
 *
 * Each dialogue has tokens of its own, so every opt-out that the listener records names the dialogue it came from,
 * and is held against what that dialogue's transcript allows. Both ways: 250 without an opt-out is a finding, too.
 *
 * @module
 */
import { tokenFingerprint } from '@adieu/core';
import { dial } from './caller.ts';
import { type Cast, makeDialogue } from './dialogue.ts';
import type { Office, Person } from './office.ts';
import { readTranscript } from './transcript.ts';
import type { Watchdog } from './watchdog.ts';

export interface FuzzOptions {
  readonly office: Office;
  /** Of the first dialogue; each further one has the next. */
  readonly seed: number;
  readonly count: number;
  /** Dialogues at a time; 50 unless told otherwise. */
  readonly abreast?: number;
  /** Is told what is in hand, by place. */
  readonly hold?: Watchdog['hold'];
}

export interface FuzzOutcome {
  readonly dialogues: number;
  /** Messages answered 250. */
  readonly taken: number;
  /** Opt-outs that were handed to the recorder. */
  readonly recorded: number;
  /** One line each, with the seed that repeats it. */
  readonly findings: readonly string[];
}

const LEAVING = 3;

/** Runs so many dialogues; the full campaign is this function with a greater count. */
export async function fuzzDialogues(options: FuzzOptions): Promise<FuzzOutcome> {
  const { office, seed, count, abreast = 50, hold: tell = () => undefined } = options;
  const recorded = new Map<string, number>();
  const findings: string[] = [];
  const listener = await office.listen({
    maxPerIp: 2 * abreast,
    maxConnections: 4 * abreast,
    messagesPerMinute: Number.MAX_SAFE_INTEGER,
    recorder: (optOut) => {
      recorded.set(optOut.fingerprint, (recorded.get(optOut.fingerprint) ?? 0) + 1);
      return office.record(optOut);
    },
  });
  const people = await Promise.all(Array.from({ length: 5 }, () => office.person()));
  const known = new Set<string>();
  let taken = 0;
  let next = 0;

  async function hold(index: number): Promise<void> {
    const cast = castOf(people, index);
    const prints = new Map([...cast.leaving, ...cast.hidden].map((address) => [printOf(address), address]));
    for (const print of prints.keys()) known.add(print);
    const dialogue = makeDialogue(seed + index, cast);
    const replies = await converse(listener.port, dialogue.chunks);
    const transcript = readTranscript(dialogue.bytes, replies);
    const find = (what: string): number => findings.push(`seed ${seed + index}: ${what}`);
    if (transcript.fault !== null) find(transcript.fault);
    taken += transcript.taken.length;
    for (const [print, address] of prints) {
      const naming = transcript.taken.filter(({ recipients }) =>
        recipients.some((line) => line.toLowerCase().includes(address.split('@')[0] ?? address)),
      );
      const times = recorded.get(print) ?? 0;
      if (times > naming.length) find(`${times} opt-outs of ${address}, ${naming.length} messages allow one`);
      const least = naming.filter(({ mustCount }) => mustCount).length;
      if (times < least) find(`${times} opt-outs of ${address}, ${least} were promised`);
    }
  }

  await Promise.all(
    Array.from({ length: abreast }, async (_, place) => {
      while (next < count) {
        const index = next;
        next += 1;
        tell(place, seed + index);
        await hold(index).catch((error) => findings.push(`seed ${seed + index}: ${error}`));
      }
      tell(place, -1);
    }),
  );
  for (const print of recorded.keys()) if (!known.has(print)) findings.push(`a token nobody made: ${print}`);
  const sum = [...recorded.values()].reduce((total, times) => total + times, 0);
  return { dialogues: count, taken, recorded: sum, findings };
}

function castOf(people: readonly Person[], day: number): Cast {
  const addresses = people.map((person) => person.mailto('channel', 0, day));
  return { leaving: addresses.slice(0, LEAVING), hidden: addresses.slice(LEAVING) };
}

function printOf(address: string): string {
  return tokenFingerprint(address.slice(address.indexOf('+') + 1, address.indexOf('@')));
}

/** Says it all without waiting for replies; answers their codes once the listener hung up. */
async function converse(port: number, chunks: readonly Buffer[]): Promise<string[]> {
  const caller = await dial(port);
  if (!(await caller.hear()).startsWith('220 ')) throw new Error('no greeting');
  caller.socket.setNoDelay(true);
  for (const chunk of chunks) {
    caller.say(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const heard = await caller.rest();
  caller.hangUp();
  const lines = heard.split('\r\n').slice(0, -1);
  const odd = lines.find((line) => !/^[2345]\d\d[ -][ -~]*$/.test(line));
  if (odd !== undefined) throw new Error(`a reply that is none: ${JSON.stringify(odd)}`);
  return lines.filter((line) => line[3] === ' ').map((line) => line.slice(0, 3));
}
