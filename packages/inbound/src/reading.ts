/**
 * What a thread that reads mail is asked, and how it answers.
 *
 * The rule: everything that looks into a body, or follows the structure or the signatures of a mail, is asked here; the listener's
 * own thread looks at no more than the envelope and the fields of the header block. Nothing here reaches out: what DNS says comes
 * along with the question, and what is still to be asked goes back with the answer.
 *
 * @module
 */
import type { MessagePort } from 'node:worker_threads';
import { asksToLeave, type Report, readMentions, readReport } from '@adieu/mail/report';
import { type DmarcOpinion, type DmarcQuestion, judgeSender } from './dmarc.ts';

/** A question about a mail. */
export type Question = { readonly raw: Uint8Array } & (
  | { readonly kind: 'report'; readonly nullSender: boolean }
  | { readonly kind: 'mentions' }
  | { readonly kind: 'leaving' }
  | ({ readonly kind: 'dmarc' } & DmarcQuestion)
);

/** What each kind of question is answered with. */
export interface Answers {
  readonly report: Report;
  /** Addresses, in lower case. */
  readonly mentions: readonly string[];
  /** The author wants to leave, and says nothing else. */
  readonly leaving: boolean;
  readonly dmarc: DmarcOpinion;
}

/** What a thread says. `fault`: the reader threw; the next question may be asked. */
export type Reply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly answer: Answers[keyof Answers] }
  | { readonly kind: 'fault' };

/** Answers questions, one after the other, for as long as the thread lives. */
export function serve(port: MessagePort, read: typeof answer = answer): void {
  port.on('message', async (question: Question) => {
    const reply = await read(question).then(
      (found): Reply => ({ kind: 'answer', answer: found }),
      (): Reply => ({ kind: 'fault' }),
    );
    port.postMessage(reply);
  });
  port.postMessage({ kind: 'ready' } satisfies Reply);
}

/** Answers one question. Rejects when the mail cannot be read. */
export async function answer(question: Question): Promise<Answers[keyof Answers]> {
  switch (question.kind) {
    case 'report':
      return reportOf(question.raw, question.nullSender);
    case 'mentions':
      return readMentions(question.raw);
    case 'leaving':
      return asksToLeave(question.raw);
    case 'dmarc':
      return judgeSender(question.raw, question);
  }
}

/**
 * The null sender stands in the envelope only; a mail store would write it down (RFC 5321 section 4.4). What says nothing but
 * that is not known to be an answer: it may be a bounce of a kind that nobody has met.
 */
function reportOf(raw: Uint8Array, nullSender: boolean): Report {
  const plain = readReport(raw);
  const [first] = plain.recipients;
  if (!nullSender || first?.kind !== 'none' || plain.feedbackType !== undefined) return plain;
  const told = readReport(Buffer.concat([Buffer.from('Return-Path: <>\r\n'), raw]));
  return told.recipients[0]?.kind === 'auto-reply' ? plain : told;
}
