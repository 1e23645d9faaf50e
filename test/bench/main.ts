/**
 * `npx pnpm@12 bench [--only B1,B10] [--full] [--json]`: measures, and prints one table, or one JSON line for each row.
 *
 * One rule: standard output has the result and nothing else; what happens meanwhile is told on standard error.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { layGround } from './ground.ts';
import { profileLine } from './profile.ts';
import { FULL, HEADINGS, measure, type Row, type RowId, USUAL } from './rows.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    full: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const ids = HEADINGS.map(({ id }) => id);
const only = values.only?.split(',') ?? ids;
const unknown = only.filter((id) => !ids.includes(id as RowId));
if (unknown.length > 0) {
  process.stderr.write(`There is no row ${unknown.join(', ')}. Rows: ${ids.join(', ')}\n`);
  process.exit(2);
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const ground = await layGround();
// The database would outlive this process, and its folder too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void ground.close().finally(() => process.exit(1)));
}
try {
  const rows = await measure(
    ids.filter((id) => only.includes(id)),
    values.full ? FULL : USUAL,
    { ground, say },
  );
  for (const row of rows) if (values.json) process.stdout.write(`${JSON.stringify(row)}\n`);
  if (!values.json) process.stdout.write(table(rows));
  const profile = await profileLine(ground);
  if (values.json) say(profile);
  else process.stdout.write(`\n${profile}\n`);
} finally {
  await ground.close();
}

function table(rows: readonly Row[]): string {
  return rows
    .map(({ id, ratio, figures }) => {
      const heading = HEADINGS.find((other) => other.id === id);
      const shown = ratio === null ? '–' : String(ratio);
      const details = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
      return (
        `${id.padEnd(4)} ${shown.padStart(7)}  (goal ${heading?.goal ?? ''})  ${heading?.meaning ?? ''}\n` +
        `${' '.repeat(14)}${details.join(' · ')}\n`
      );
    })
    .join('');
}
