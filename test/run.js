/**
 * Runs Jest and prints, as its last line, `N passed, N failed[, N skipped]` counted from Jest's own JSON result.
 * Arguments are handed to Jest: `npx pnpm@12 test packages/core`.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'adieu-jest-'));
const report = join(folder, 'result.json');

const jest = spawn(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    // Threads that sources start inherit it.
    '--import',
    new URL('thread-sources.js', import.meta.url).href,
    join(root, 'node_modules/jest/bin/jest.js'),
    '--config',
    join(root, 'test/jest.config.js'),
    '--json',
    `--outputFile=${report}`,
    // A test that failed may leave sockets and processes behind; they must not keep the run from ending.
    '--forceExit',
    ...process.argv.slice(2),
  ],
  // Jest's JSON also goes to standard output; the file has it, and the readable report is on standard error.
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
);
const exitCode = await new Promise((resolve) =>
  jest.on('exit', (code, signal) => resolve(signal ? 1 : code)),
);

let line = '0 passed, 1 failed';
let failed = true;
try {
  const result = JSON.parse(await readFile(report, 'utf8'));
  // A suite that could not even load has no failed test of its own, and must not look green.
  const failures = result.numFailedTests + result.numRuntimeErrorTestSuites;
  const skipped = result.numPendingTests + result.numTodoTests;
  line = `${result.numPassedTests} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  failed = failures > 0 || result.numPassedTests === 0;
} catch (error) {
  process.stderr.write(`Jest left no result: ${error}\n`);
}
await rm(folder, { recursive: true, force: true });
process.stdout.write(`${line}\n`);
process.exitCode = failed || exitCode !== 0 ? 1 : 0;
