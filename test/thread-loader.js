/**
 * Finds and loads the sources of the packages for Node's own loader, as `jest.config.js` says it to Jest.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';
import config from './jest.config.js';

const root = new URL('..', import.meta.url);
const mapped = Object.entries(config.moduleNameMapper).map(([pattern, path]) => [new RegExp(pattern), path]);
const [, options] = config.transform['\\.ts$'];

export function resolve(specifier, context, next) {
  for (const [pattern, path] of mapped) {
    if (pattern.test(specifier)) {
      const url = new URL(specifier.replace(pattern, path).replace('<rootDir>/', ''), root);
      return { url: url.href, shortCircuit: true };
    }
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), { filename, ...options });
  return { format: 'module', source: code, shortCircuit: true };
}
