/**
 * The one error class: a failure that the peer may read.
 *
 * Anything that is not a `Failure` is unknown, and unknown is temporary: a lost opt-out is worse than a retry.
 * Each shell (HTTP, SMTP, CLI) has one translator from `Failure` to what its peer understands.
 *
 * @module
 */

/** What goes with a failure besides its code and its public text. */
export interface FailureOptions {
  /** The same request may succeed later. Default: false. */
  readonly temporary?: boolean;
  /** What lay beneath; for the log, never for the peer. */
  readonly cause?: unknown;
  /** The field of the request that is to blame, as a dotted path (`from.email`). */
  readonly field?: string;
}

/** A failure with a stable code and a text for the peer. */
export class Failure extends Error {
  override readonly name = 'Failure';
  /** Stable and snake_case (`from_not_aligned`); programs decide by it. */
  readonly code: string;
  /** The same request may succeed later. */
  readonly temporary: boolean;
  /** Public text: no address, no token, no secret. */
  readonly detail: string;
  /** The field of the request that is to blame, as a dotted path. */
  readonly field?: string;

  constructor(code: string, detail: string, options: FailureOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.temporary = options.temporary ?? false;
    if (options.field !== undefined) this.field = options.field;
  }
}

/** Tells a failure that the peer may read from an error that it may not. */
export function isFailure(error: unknown): error is Failure {
  return error instanceof Failure;
}
