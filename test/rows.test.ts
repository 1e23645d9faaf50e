import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { listRows } from './rows.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = `${ROOT}/test/README.md`;
const MARK = '<!-- rows: written by `UPDATE_ROWS=1 npx pnpm@12 test test/rows` -->\n';

test('the list of proven rows in the README is the one the tests give', () => {
  const [before = '', after = ''] = readFileSync(README, 'utf8').split(MARK);
  const list = `\n${listRows(ROOT)}`;
  if (process.env.UPDATE_ROWS === '1') writeFileSync(README, `${before}${MARK}${list}`);
  else expect(after).toBe(list);
});
