/**
 * Which row of the standards is proven by which test: read off the names of the tests themselves.
 *
 * Only the titles given to `test`, `describe` and their like count, so the list in `test/README.md` cannot claim what no test
 * says.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const GROUPS: readonly (readonly [prefix: string, title: string])[] = [
  ['OH', 'Outbound headers'],
  ['DK', 'DKIM, SPF, DMARC'],
  ['OC', 'One-click POST (RFC 8058)'],
  ['TK', 'Tokens'],
  ['MT', 'mailto unsubscribe'],
  ['IN', 'Inbound SMTP'],
  ['BC', 'Bounces and complaints'],
  ['LP', 'Landing page'],
  ['LG', 'Legal duties'],
];
/** A title in any kind of quotes behind an opening bracket, or first in a row of a table of tests. */
const TITLE = /[([]\s*(['"`])(?:(?!\1)[^\\]|\\.)*\1/g;
const ROW = /\b(OH|DK|OC|TK|MT|IN|BC|LP|LG)-(\d{1,2})\b/g;

/** The list as Markdown. */
export function listRows(root: string): string {
  const found = new Map<string, Set<string>>();
  for (const path of testFiles(root)) {
    const text = readFileSync(join(root, path), 'utf8');
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
    for (const [title] of code.matchAll(TITLE)) {
      for (const [id] of title.matchAll(ROW)) found.set(id, (found.get(id) ?? new Set()).add(path));
    }
  }
  return GROUPS.map(([prefix, title]) => {
    const ids = [...found.keys()].filter((id) => id.startsWith(`${prefix}-`)).sort(byNumber);
    const lines = ids.map(
      (id) =>
        `| ${id} | ${[...(found.get(id) ?? [])]
          .sort()
          .map((path) => `\`${path}\``)
          .join(', ')} |`,
    );
    return `### ${title}\n\n| row | proven in |\n|---|---|\n${lines.join('\n')}\n`;
  }).join('\n');
}

function byNumber(one: string, other: string): number {
  return Number(one.slice(3)) - Number(other.slice(3));
}

function testFiles(root: string): string[] {
  const below = (folder: string) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  const packages = readdirSync(join(root, 'packages'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  const folders = ['test', ...packages.map((entry) => join('packages', entry.name, 'src'))];
  return folders
    .flatMap(below)
    .filter((path) => path.endsWith('.test.ts') && !path.includes('node_modules'))
    .sort();
}
