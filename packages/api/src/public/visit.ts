/**
 * Somebody at a page of ours: the link, what is known of the person, and the language to speak.
 *
 * A page that lets people leave waits for nobody: where the database does not answer in time, the page speaks as the
 * browser asks and shows what the token says. Only where choices are to be shown they have to be known.
 *
 * @module
 */
import { openUrlSealer, type UrlPurpose } from '@adieu/core';
import { type PersonChoices, readChoices } from '@adieu/store';
import type { FastifyRequest } from 'fastify';
import { within } from '../deadline.ts';
import { databaseAway } from '../problem.ts';
import type { Brand } from './brand.ts';
import type { ChoiceDeps, Link } from './choice.ts';
import { chooseLanguage, speechOf } from './language/speech.ts';
import type { Setting } from './page.ts';

/** A valid link and the page around it. */
export interface Visit extends Setting {
  readonly link: Link;
  readonly domain: string;
  /** Null when the database did not say in time. */
  readonly choices: PersonChoices | null;
}

/** Milliseconds that a page waits for the person's language, and for the person's choices. */
const PATIENCE = 1_000;
const LONG_PATIENCE = 5_000;

/** What is known about whoever opened a link. Never rejects. */
export async function openVisit(deps: ChoiceDeps, request: FastifyRequest, link: Link): Promise<Visit> {
  const choices = await within(PATIENCE, read(deps, link), databaseAway).catch(() => null);
  return visitOf(request, link, choices);
}

/** The same, where a page without the choices would be of no use. Rejects with a 503 problem. */
export async function openKnownVisit(
  deps: ChoiceDeps,
  request: FastifyRequest,
  link: Link,
): Promise<Visit & { readonly choices: PersonChoices }> {
  const choices = await within(LONG_PATIENCE, read(deps, link), databaseAway).catch((error: unknown) => {
    throw databaseAway(error);
  });
  return { ...visitOf(request, link, choices), choices };
}

/** The setting of a page about nobody: what a browser and a host say. */
export function settingOf(
  request: FastifyRequest,
  host: { readonly domain: string; readonly brand: Brand } | null,
): Setting {
  const brand = host?.brand ?? {};
  const language = chooseLanguage({
    accept: request.headers['accept-language'],
    fallback: brand.defaultLanguage,
  });
  return { speech: speechOf(language), brand, domain: host?.domain ?? null };
}

/**
 * The path of another page of ours for the same person. It says what the link says, but for the author's page: nobody
 * comes to more than the link's own page leads to (see DECISIONS).
 */
export function onwardPath(deps: ChoiceDeps, { claims, host }: Link, purpose: UrlPurpose): string {
  const { page: _, ...rest } = claims;
  const token = openUrlSealer(deps.ring, purpose, host.organisation).seal(rest);
  const path = purpose === 'preferences' ? '/preferences' : '/unsubscribe';
  return `${path}?params=${token.params}&pid=${token.pid}&sig=${token.sig}`;
}

function visitOf(request: FastifyRequest, link: Link, choices: PersonChoices | null): Visit {
  const { brand, domain } = link.host;
  const language = chooseLanguage({
    preferred: choices?.language,
    accept: request.headers['accept-language'],
    fallback: brand.defaultLanguage,
  });
  return { link, domain, brand, choices, speech: speechOf(language) };
}

function read(deps: ChoiceDeps, { claims, host }: Link): Promise<PersonChoices> {
  return readChoices(deps.database.db, host.scope, claims);
}
