/**
 * Every broken configuration has an expected complaint: `bad-config/NN-name.env` beside `NN-name.want.txt`. Roles of the process
 * stand in a line `# adieu serve --roles inbound`.
 *
 * `UPDATE_FIXTURES=1` writes what is said now, for a person to read before it is committed.
 *
 * @module
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { problemsPage, readConfig, readRoles } from '@adieu/app';
import { beforeAll, describe, expect, test } from '@jest/globals';

const FOLDER = fileURLToPath(new URL('./bad-config/', import.meta.url));
const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.env'))
  .map((name) => name.slice(0, -'.env'.length));

function complaintOf(name: string): string {
  const text = readFileSync(`${FOLDER}${name}.env`, 'utf8');
  const [, roles] = /^# adieu serve --roles (\S+)$/m.exec(text) ?? [];
  const variables = parseEnv(text) as Record<string, string>;
  const outcome = readConfig(variables, ['RELAY_URL'], roles === undefined ? [] : readRoles(roles));
  return outcome.ok ? '' : `${problemsPage(outcome.problems)}\n`;
}

describe('a broken configuration', () => {
  beforeAll(() => {
    // Paths in the fixtures are those of the repository.
    process.chdir(fileURLToPath(new URL('..', import.meta.url)));
  });

  test.each(NAMES)('%s is refused in the words that are expected', (name) => {
    const complaint = complaintOf(name);
    const path = `${FOLDER}${name}.want.txt`;
    if (process.env.UPDATE_FIXTURES === '1') writeFileSync(path, complaint);
    expect(complaint).toBe(readFileSync(path, 'utf8'));
  });

  test.each(NAMES)('%s is told with its variable and a code, and without a secret', (name) => {
    const complaint = complaintOf(name);
    const [head, ...lines] = complaint.trimEnd().split('\n');
    expect(head).toBe('The configuration is broken; nothing was started.');
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(/^ {2}[A-Z_]+: .+ \[[a-z_]+\]$/);
    expect(complaint).not.toContain('hunter2');
    expect(complaint).not.toContain('hunter 2');
  });
});
