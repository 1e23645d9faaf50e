/**
 * The program of a thread that signs: see `signing.ts`, which starts and ends it.
 *
 * @module
 */
import { parentPort } from 'node:worker_threads';
import { signText } from './signature.ts';
import type { Answer, Question } from './signing.ts';

const port = parentPort;
if (port === null) throw new Error('this runs in a thread of its own');
port.on('message', (questions: readonly Question[]) => {
  port.postMessage(
    questions.map(({ text, key }): Answer => {
      try {
        return { signature: signText(text, key) };
      } catch (error) {
        return { error: String(error) };
      }
    }),
  );
});
