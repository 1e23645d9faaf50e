/**
 * SMTP server: mailto unsubscribes, bounces, complaints and role mail. Verifies signatures of delivered mail.
 *
 * @module
 */
export { type Inbound, type InboundOptions, startInbound } from './listener.ts';
export { type DomainStanding, type Recipient, type Route, readRecipient, route } from './route.ts';
export { verifySignatures } from './signatures.ts';
export type { InboundStats } from './transaction.ts';
