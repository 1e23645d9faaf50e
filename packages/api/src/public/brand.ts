/**
 * How the pages of a subdomain look and speak: name, logo, colour, sentences, contact.
 *
 * A brand adds; it never takes away. What is said about who leaves what is ours in every language, and texts, logo and
 * colour are checked when they are put, so that no page grows too large, too faint or too clever.
 *
 * @module
 */
import { hasControlCharacter } from '@adieu/core';
import type { StoredBrand } from '@adieu/store';
import { z } from 'zod';
import { LANGUAGES } from './language/speech.ts';
import { LOGO_LIMIT, logoFault } from './logo.ts';

/** Channels that a preference centre may offer. */
export const OFFERED_CHANNELS = ['email', 'sms', 'push', 'whatsApp', 'call', 'fax', 'postalMail'] as const;
export type OfferedChannel = (typeof OFFERED_CHANNELS)[number];

/** A text that people read: one line or a few, nothing invisible, nothing that turns others around. */
const plainText = (limit: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(limit)
    .refine((text) => !hasControlCharacter(text.replace(/\n/g, '')), {
      error: 'holds a control character or one that overrides the direction of text',
    });
const oneLine = (limit: number) =>
  plainText(limit).refine((text) => !text.includes('\n'), { error: 'takes one line' });

const Sentences = z.strictObject({
  landing: plainText(300).optional().describe('Under the question whether to unsubscribe'),
  farewell: plainText(300).optional().describe('Under the confirmation'),
  preferences: plainText(300).optional().describe('At the top of the preference centre'),
  footer: plainText(300).optional().describe('At the foot of every page'),
});

/** A brand as it is put. */
export const Brand = z
  .strictObject({
    name: oneLine(80).optional().describe('Who sends. Default: the subdomain'),
    logo: z
      .string()
      .max(LOGO_LIMIT)
      .superRefine((logo, context) => {
        const fault = logoFault(logo);
        if (fault !== null) context.addIssue({ code: 'custom', message: fault });
      })
      .optional()
      .describe(
        'A `data:` URI of at most 10,000 characters: PNG, JPEG, WebP or GIF in base64, or SVG. Alone with its name',
      ),
    accent: z
      .string()
      .regex(/^#[0-9a-f]{6}$/i, { error: 'is written #rrggbb' })
      .toLowerCase()
      .optional()
      .describe('Of buttons and ticks. What is written on it turns white or black, whichever reads better'),
    texts: z.partialRecord(z.enum(LANGUAGES), Sentences).optional().describe('Plain text by language'),
    defaultLanguage: z
      .enum(LANGUAGES)
      .optional()
      .describe('Where neither the profile nor the browser knows better. Default: `en`'),
    channels: z
      .array(z.enum(OFFERED_CHANNELS))
      .min(1)
      .refine((channels) => new Set(channels).size === channels.length, { error: 'names a channel twice' })
      .optional()
      .describe('What the preference centre offers, in this order. Default: `email`'),
    contact: z
      .strictObject({
        email: z.email().max(254).optional(),
        postalAddress: plainText(300).optional(),
      })
      .optional()
      .describe('How a person without a working link still reaches somebody'),
  })
  .describe('How the landing page and the preference centre look and speak');

export type Brand = z.output<typeof Brand>;

/** A brand as it was kept; one that an earlier version took and this one would not is none. */
export function readBrand(stored: StoredBrand): Brand {
  const read = Brand.safeParse(stored);
  return read.success ? read.data : {};
}
