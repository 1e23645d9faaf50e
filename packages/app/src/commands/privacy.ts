/**
 * `adieu export NAMESPACE ID` and `adieu erase NAMESPACE ID`: what is held about a person, and forgetting it.
 *
 * One rule: an erasure cannot be undone, so somebody says yes to it, at the prompt or by `--yes`.
 *
 * @module
 */
import { createInterface } from 'node:readline/promises';
import { Failure } from '@adieu/core';
import type { Config } from '../config.ts';
import { type ConnectOptions, connect } from '../connection.ts';
import type { ErasureAnswer, Person } from '../management.ts';
import { answer, type Output } from '../output.ts';
import { printable } from '../terminal.ts';

/** Writes the document to standard output, indented unless for a program. */
export async function exportPerson(
  config: Config,
  person: Person,
  options: Output & ConnectOptions,
): Promise<void> {
  const management = await connect(config, options);
  const document = await management.exportProfile(person);
  if (document === null) throw unknown(person);
  answer(options, { json: document, page: JSON.stringify(document, null, 2) });
}

/** Erases a person; answers false when nobody said yes. */
export async function erasePerson(
  config: Config,
  person: Person,
  options: Output & ConnectOptions & { readonly yes: boolean },
): Promise<boolean> {
  const management = await connect(config, options);
  if (!options.yes && !(await confirm(person, management.url))) {
    process.stderr.write('Nobody was erased.\n');
    return false;
  }
  const receipt = await management.eraseProfile(person);
  if (receipt === null) throw unknown(person);
  answer(options, { json: receipt, page: page(receipt) });
  return true;
}

async function confirm({ namespace, id }: Person, url: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    throw new Failure(
      'confirmation_required',
      'An erasure cannot be undone. Say --yes where nobody can be asked.',
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question = `Erase ${printable(`${namespace} ${id}`)} at ${url}? It cannot be undone. Type the id to go on: `;
    return (await terminal.question(question)).trim() === id;
  } finally {
    terminal.close();
  }
}

function page({ receiptId, erasedAt, counts }: ErasureAnswer): string {
  const { identities, addresses, sharedAddresses, messages, stopped, executions, listEntries } = counts;
  return [
    `erased ${erasedAt}, receipt ${receiptId}`,
    `identities ${identities}, addresses ${addresses}, list entries ${listEntries}`,
    `messages without words ${messages}, of which stopped ${stopped}; executions that named them ${executions}`,
    ...(sharedAddresses === 0 ? [] : [`addresses that stay, because others use them: ${sharedAddresses}`]),
    'What a backup holds comes back with it: erase again after restoring one.',
  ].join('\n');
}

function unknown({ namespace, id }: Person): Failure {
  const detail = `Nobody is known as ${printable(`${namespace} ${id}`)}. Was it the right sandbox and spelling?`;
  return new Failure('unknown_profile', detail);
}
