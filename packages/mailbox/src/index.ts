/**
 * The demo mailbox: an SMTP sink whose pages show mail as a mailbox provider would.
 *
 * @module
 */
export { type Mailbox, type MailboxOptions, startMailbox } from './mailbox.ts';
export type { Departure, Mail } from './shelf.ts';
