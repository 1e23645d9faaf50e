/**
 * What tests of every package stand on: a database of their own, and a line to it that can be cut.
 *
 * One rule: only tests import this, as `@adieu/store/testing`.
 *
 * @module
 */
export type { CuttableLine } from './cuttable-line.ts';
export { openCuttableLine } from './cuttable-line.ts';
export type { Evidence } from './evidence.ts';
export { evidenceAfter, numbersOf } from './evidence.ts';
export type { ScratchDatabase } from './scratch-database.ts';
export { openScratchDatabase } from './scratch-database.ts';
export { lockTable } from './table-lock.ts';
export { whereFound } from './table-walk.ts';
