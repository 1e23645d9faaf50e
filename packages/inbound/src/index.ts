/**
 * SMTP server: mailto unsubscribes, bounces, complaints and role mail; and what Amazon SES posts of them. Verifies signatures of
 * delivered mail.
 *
 * @module
 */
export { type Listener, sendCanary } from './canary.ts';
export { type Inbound, type InboundOptions, startInbound } from './listener.ts';
export { type Recipient, ROLES, readRecipient } from './route.ts';
export { openSesDoor, type SesDoorOptions } from './ses/door.ts';
export { readCertificate, type ShownCertificate } from './shown-certificate.ts';
export { verifySignatures } from './signatures.ts';
export type { InboundStats } from './tally.ts';
