/**
 * Lets a thread that a test starts run the TypeScript sources, as Jest lets the test: preloaded by `run.js`.
 *
 * @module
 */
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (!isMainThread) register('./thread-loader.js', import.meta.url);
