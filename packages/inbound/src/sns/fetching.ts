/**
 * One GET over the web: bounded in time and size, and never sent elsewhere by a redirect.
 *
 * @module
 */

/** What came back, whatever its status; a redirect is an answer as any other. */
export interface Fetched {
  readonly status: number;
  readonly body: string;
}

/** Fetches a URL. Rejects when there is no answer in time, or more of it than is taken. */
export type Fetching = (url: string) => Promise<Fetched>;

/** Milliseconds; SNS itself waits 15 seconds for us. */
const DEADLINE = 5_000;
/** Octets; a certificate has about 2,000. */
const LIMIT = 65_536;

/** Opens the way to the web. */
export function openFetching({ deadline = DEADLINE, limit = LIMIT } = {}): Fetching {
  return async (url) => {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(deadline) });
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      // Leaving the loop cancels what is still to come.
      if (length > limit) throw new Error(`more than ${limit} octets`);
      chunks.push(chunk);
    }
    return { status: response.status, body: Buffer.concat(chunks).toString('utf8') };
  };
}
