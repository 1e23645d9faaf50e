/**
 * `adieu keys init | rotate | show`: the key ring and the API key of a data directory.
 *
 * The rule: keys are named by id and never printed, but for the API key at the moment it is made.
 *
 * @module
 */
import { describeKeyRing, type KeyRing } from '@adieu/core';
import type { Config } from '../config.ts';
import { findApiKeyFile, findKeyRing, openApiKey, openKeyRing, rotateKeys } from '../keys.ts';
import { answer, type Output } from '../output.ts';

/** Makes what is missing. */
export async function initKeys(config: Config, output: Output): Promise<void> {
  const ring = await openKeyRing(config);
  const apiKey = await openApiKey(config);
  const ringMade = ring.generated ? 'made' : 'was there already';
  answer(output, {
    json: {
      ...describeKeyRing(ring.value),
      keyRing: ring.path,
      keyRingMade: ring.generated,
      apiKeyMade: apiKey.generated,
      ...(apiKey.generated ? { apiKey: apiKey.value } : {}),
    },
    page: [
      `Key ring  ${ring.path ?? 'ADIEU_KEYRING'}: ${ringMade}, ${idsOf(ring.value)}`,
      apiKey.generated
        ? `API key   ${apiKey.value}  (shown this once; kept in ${apiKey.path})`
        : `API key   ${apiKey.path ?? 'ADIEU_API_KEY'}: was there already`,
    ].join('\n'),
  });
}

/** Adds a key that seals from now on. */
export async function rotate(config: Config, output: Output): Promise<void> {
  const { ring, path } = await rotateKeys(config);
  answer(output, {
    json: { ...describeKeyRing(ring), keyRing: path },
    page: [
      `${path}: ${idsOf(ring)}`,
      'Restart every process of this installation: each keeps the ring it started with, and one without the new key',
      'cannot open links that another sealed with it. Keep the old keys for as long as mail with their links is about.',
    ].join('\n'),
  });
}

/** Shows ids. */
export async function showKeys(config: Config, output: Output): Promise<void> {
  const ring = await findKeyRing(config);
  const apiKey = await findApiKeyFile(config);
  answer(output, {
    json: {
      ...(ring === null ? { primary: null, ids: [] } : describeKeyRing(ring)),
      apiKey: apiKey !== null,
    },
    page: [
      ring === null ? 'Key ring  none yet: adieu keys init makes one' : `Key ring  ${idsOf(ring)}`,
      `API key   ${apiKey === null ? 'none yet' : 'present'}`,
    ].join('\n'),
  });
}

function idsOf(ring: KeyRing): string {
  const { primary, ids } = describeKeyRing(ring);
  return `${ids.join(' ')}; ${primary} seals`;
}
