/**
 * Everybody has a mail: what rows about leaving begin with.
 *
 * @module
 */
import type { Ground } from './ground.ts';
import { startAdieu } from './pipelines.ts';

/** Mails that were delivered. */
export interface Mailed {
  /** The header of each. */
  readonly headers: readonly Buffer[];
  /** What another process is told to find the same database. */
  readonly env: Readonly<Record<string, string>>;
}

/** Has the newsletter delivered to so many people, by an Adieu that is gone afterwards. */
export async function mailEverybody(
  { name, people, env }: { readonly name: string; readonly people: number; readonly env: Mailed['env'] },
  ground: Ground,
): Promise<Mailed> {
  const pipeline = await startAdieu({ name, people, env }, ground);
  try {
    await ground.sink.begin(1, 'header');
    await pipeline.deliver(people);
    return { headers: (await ground.sink.summary()).kept, env: pipeline.env };
  } finally {
    await pipeline.close();
  }
}
