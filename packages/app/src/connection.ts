/**
 * Which server a command talks to, and with which key.
 *
 * @module
 */
import { Failure } from '@adieu/core';
import type { Config } from './config.ts';
import { findApiKeyFile } from './keys.ts';
import { findServer } from './local-server.ts';
import { type Management, openManagement } from './management.ts';

/** What the command line says about it. */
export interface ConnectOptions {
  readonly server?: string;
  readonly key?: string;
}

/** The server of the command line, else the one whose note lies in the data directory, else the configured port. */
export async function connect(config: Config, options: ConnectOptions): Promise<Management> {
  const noted = await findServer(config.dataDir);
  const url = options.server ?? noted?.url ?? `http://${config.http.host}:${config.http.port}`;
  const key = options.key ?? (await findApiKeyFile(config));
  if (key !== null) return openManagement(url, key);
  const detail = `There is no API key in ${config.dataDir}. Start a server here with "adieu demo" or "adieu serve", or give --server and --key.`;
  throw new Failure('api_key_missing', detail);
}
