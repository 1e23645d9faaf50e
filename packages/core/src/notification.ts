/**
 * What a provider posts about mail it was given, and what it is told.
 *
 * One rule: `taken` is a promise, as a 250 is: what the notification means is stored, or it means nothing.
 *
 * @module
 */

/** `recorded`: it did something, now or when it came before. `noted`: nothing to act upon. `confirmed`: its sender may send on. */
export type Taken = 'recorded' | 'noted' | 'confirmed';

/** `refused`: nobody whom we believe said it. `malformed`: it is no notification. Both for good; details are public. */
export type NotificationOutcome =
  | { readonly kind: 'taken'; readonly taken: Taken }
  | { readonly kind: 'refused' | 'malformed'; readonly code: string; readonly detail: string };

/** Takes the body of a post. Rejects with a temporary `Failure` when it could not be judged or stored: the provider comes again. */
export type TakeNotification = (body: string) => Promise<NotificationOutcome>;
