/**
 * Rows that an intent locks, held by somebody else: it stops there, in the database, until they are let go.
 *
 * @module
 */
import { openDatabase } from '@adieu/store';
import type { Scene } from './scene.ts';

/** A promise and what resolves it. */
export function latch(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/**
 * Holds the rows in a transaction of its own until they are let go. What is given back waits for a batch too, for a
 * profile only the intent does.
 */
export async function holdRows(scene: Scene, table: 'batch' | 'profile'): Promise<() => Promise<void>> {
  const own = openDatabase({ url: scene.database.url, poolSize: 1 });
  scene.later(own.close);
  const held = latch();
  const let_go = latch();
  const done = own.db.transaction().execute(async (transaction) => {
    await transaction.selectFrom(table).selectAll().forUpdate().execute();
    held.open();
    await let_go.opened;
  });
  await held.opened;
  return async () => {
    let_go.open();
    await done;
  };
}

/** Somebody waits for a lock in this scene's database. Not a table of ours, hence the types. */
export async function intentWaits(scene: Scene): Promise<boolean> {
  const activity = await scene.db
    .selectFrom('pg_stat_activity' as never)
    .select('pid' as never)
    .where('datname' as never, '=', new URL(scene.database.url).pathname.slice(1) as never)
    .where('wait_event_type' as never, '=', 'Lock' as never)
    .execute();
  return activity.length > 0;
}
