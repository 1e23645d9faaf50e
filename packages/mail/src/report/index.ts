/**
 * Reading of mail that came in, without what composing needs: a thread that reads should not load template compilers.
 *
 * @module
 */
export { asksToLeave } from './leaving-words.ts';
export { readMentions } from './mention.ts';
export { readReport } from './reader.ts';
export type { Report, ReportAction, ReportedRecipient, ReportKind } from './report.ts';
