/**
 * Bytes in, bytes out: compile a template, fill it, headers, MIME, DKIM; and read a mail as a provider would.
 * No network.
 *
 * @module
 */
export type { Composer } from './composer.ts';
export { openComposer } from './composer.ts';
export type { Composed, ComposeInput, ComposerOptions } from './composition.ts';
export { decodeWords } from './encodedword.ts';
export type { Finding, Level } from './inspect/finding.ts';
export type { Hyperlink } from './inspect/hyperlink.ts';
export type { ExplainedField, Inspection } from './inspect/inspection.ts';
export { inspectMessage } from './inspect/inspection.ts';
export type { ProviderView } from './inspect/provider.ts';
export type { ListUnsubscribe } from './inspect/unsubscribe-checks.ts';
export type { TemplateLink } from './link.ts';
export { readMentions } from './report/mention.ts';
export { readReport } from './report/reader.ts';
export type { Report, ReportAction, ReportedRecipient, ReportKind } from './report/report.ts';
export type { SesEvent } from './report/ses-notification.ts';
export { readSesEvent, readSesNotification } from './report/ses-notification.ts';
export type { MakeSignature } from './signature.ts';
export type { Signing } from './signing.ts';
export { openSigning } from './signing.ts';
export type { CompiledTemplate, TemplateOutcome } from './template.ts';
export { compileTemplate } from './template.ts';
