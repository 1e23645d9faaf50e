/**
 * Loaded into a program before anything else: hands out one module of the build with one piece of its text replaced. See
 * `sabotage.ts`.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const { file, text, replacement } = JSON.parse(process.env.SABOTAGE ?? '{}');

if (isMainThread) register(import.meta.url);

/** Node asks this for every module. */
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!url.endsWith(file)) return loaded;
  const source = String(loaded.source ?? readFileSync(new URL(url), 'utf8'));
  const parts = source.split(text);
  if (parts.length !== 2) throw new Error(`${file} does not hold exactly one "${text}" to take out`);
  return { ...loaded, source: parts.join(replacement) };
}
