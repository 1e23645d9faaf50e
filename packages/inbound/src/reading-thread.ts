/**
 * The program of a thread that reads mail: see `readers.ts`, which starts and ends it.
 *
 * @module
 */
import { parentPort } from 'node:worker_threads';
import { serve } from './reading.ts';

if (parentPort === null) throw new Error('this runs in a thread of its own');
serve(parentPort);
