/**
 * Fields as the bodies and paths of the management API have them.
 *
 * What may end in a header is refused here when it holds a character that no header may hold (OH-14): repairing
 * it would store something other than what the caller meant.
 *
 * @module
 */
import { hasControlCharacter, parseAddress, parseDomain } from '@adieu/core';
import { z } from 'zod';

/** Half of a surrogate pair: no encoder keeps it. */
const LONE_SURROGATE = /\p{Cs}/u;

/** A short text that may stand in a header. `max` counts characters. */
export function headerText(max: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(max)
    .refine((text) => isCleanText(text), 'holds a control character or is not well-formed Unicode');
}

function isCleanText(text: string): boolean {
  return !hasControlCharacter(text) && !LONE_SURROGATE.test(text);
}

/** A name that we mint identifiers from: a configuration starts with a letter (S1). */
export const ConfigurationName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z][A-Za-z0-9_.-]*$/, 'starts with a letter, then letters, digits and _ . -');

/** Templates and lists; a list's name becomes part of its List-Id. */
export const PlainName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'letters, digits and _ . -');

/** What mail is for, as policies ask it. */
export const MarketingActions = z.array(PlainName).max(100);

/** One mailbox, as it is written. */
export const EmailAddress = z
  .string()
  .max(320)
  .refine((text) => parseAddress(text).ok, 'not an email address');

/** A domain, answered as lower-case A-labels. */
export const DomainName = z
  .string()
  .max(255)
  .refine((text) => parseDomain(text) !== null, 'not a domain name')
  .transform((text) => parseDomain(text) ?? text);

/** An id of a campaign or a journey; it travels inside every link, so it is kept short. */
export const TrackingId = headerText(100);

/**
 * An object of the caller's own making: attributes, context. PostgreSQL keeps no NUL and no half of a surrogate
 * pair in a text.
 */
export const FreeObject = z
  .record(z.string(), z.unknown())
  .refine((object) => isStorable(object), 'holds a NUL or text that is not well-formed Unicode');

export function isStorable(root: unknown): boolean {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string' && !isStorableText(value)) return false;
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, child] of Object.entries(value)) {
      if (!isStorableText(key)) return false;
      open.push(child);
    }
  }
  return true;
}

function isStorableText(text: string): boolean {
  return !text.includes('\0') && !LONE_SURROGATE.test(text);
}
