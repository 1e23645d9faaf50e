/**
 * How many RSA-2048 signatures all cores of this machine can make in a second: the ceiling of every pipeline that signs.
 *
 * @module
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { availableParallelism } from 'node:os';

/** What was measured. */
export interface Signatures {
  readonly perSecond: number;
}

/** As much as DKIM signs: the header and its own field. */
const HEADER = Buffer.alloc(1_200, 'h');
/** In libuv's thread pool, which has four threads unless somebody says otherwise; more under way keeps them busy. */
const AT_ONCE = 2 * Math.max(4, availableParallelism());
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** Signs for so many milliseconds. */
export async function measureSignatures(milliseconds: number): Promise<Signatures> {
  const started = performance.now();
  let made = 0;
  async function line(): Promise<void> {
    while (performance.now() - started < milliseconds) {
      await new Promise((resolve, reject) => {
        sign('sha256', HEADER, privateKey, (error) => (error === null ? resolve(null) : reject(error)));
      });
      made++;
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, line));
  return { perSecond: made / ((performance.now() - started) / 1000) };
}
