/**
 * Composers, kept while their executions run.
 *
 * The rule: a compiled template is kept, composed output never is. A composer is opened anew after a while, since each
 * opening draws the salt under which its links are sealed, and no salt may serve forever.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { Failure, type KeyRing } from '@adieu/core';
import {
  type CompiledTemplate,
  type Composer,
  compileTemplate,
  type MakeSignature,
  openComposer,
} from '@adieu/mail';
import { type Delivery, openSubdomainKeys } from '@adieu/store';

/** Opens composers, or answers one that is open. */
export interface Composers {
  /**
   * Rejects with a Failure when nothing of this delivery could leave: a signing key that is missing or wrong, a
   * template that does not compile.
   */
  open(delivery: Delivery): Promise<Composer>;
}

const KEPT = 32;
const LONGEST_USE_MS = 10 * 60_000;

/** What composers of one process share. */
export interface ComposersOptions {
  readonly ring: KeyRing;
  /** Somebody listens at the mailto addresses. */
  readonly inbound: boolean;
  /** Makes the signatures; in the thread that composes unless told otherwise. */
  readonly makeSignature?: MakeSignature;
}

/** Opens the shelf. */
export function openComposers({ ring, inbound, makeSignature }: ComposersOptions): Composers {
  const templates = openShelf<CompiledTemplate>();
  const composers = openShelf<Composer>();
  return {
    open: (delivery) =>
      composers(composerKey(delivery), async () => {
        const { template, scope, subdomain, configuration, list } = delivery;
        const compiled = await templates(templateKey(delivery), async () => {
          const outcome = await compileTemplate(template);
          if (outcome.ok) return outcome.template;
          throw new Failure(
            'template_invalid',
            outcome.errors[0]?.message ?? 'The template does not compile.',
          );
        });
        return openComposer({
          template: compiled,
          configuration,
          subdomain: { ...subdomain, keys: openSubdomainKeys(ring, subdomain) },
          organisation: scope.organisation,
          sandbox: scope.sandbox,
          ring,
          inbound,
          makeSignature,
          ...(list === null ? {} : { list }),
          ...given('campaignId', delivery.campaignId),
          ...given('journeyVersionId', delivery.journeyVersionId),
          ...given('journeyActionId', delivery.journeyActionId),
        });
      }),
  };
}

/** Keeps the last used values by key; opens each once, however many ask. */
function openShelf<T>(): (key: string, open: () => Promise<T>) => Promise<T> {
  const shelf = new Map<string, { readonly value: Promise<T>; readonly since: number }>();
  return (key, open) => {
    const kept = shelf.get(key);
    const entry =
      kept !== undefined && performance.now() - kept.since < LONGEST_USE_MS
        ? kept
        : { value: open(), since: performance.now() };
    // The oldest use stands first.
    shelf.delete(key);
    shelf.set(key, entry);
    const [oldest] = shelf.keys();
    if (shelf.size > KEPT && oldest !== undefined) shelf.delete(oldest);
    // A failure is not kept: what was wrong may be put right.
    entry.value.catch(() => {
      if (shelf.get(key) === entry) shelf.delete(key);
    });
    return entry.value;
  };
}

function templateKey({ scope, template }: Delivery): string {
  return JSON.stringify([scope.sandboxId, template.id, template.version]);
}

/** Everything that `openComposer` is given and that differs between deliveries of one process. */
function composerKey(delivery: Delivery): string {
  const { scope, template, configuration, configurationVersion, subdomain, list } = delivery;
  const { domain, linkBaseUrl, relay, sealedKeys } = subdomain;
  const keys = createHash('sha256').update(sealedKeys).digest('base64');
  return JSON.stringify([
    [scope.sandboxId, template.id, template.version, configuration.name, configurationVersion],
    [domain, linkBaseUrl, relay, keys],
    [list?.number, list?.title, delivery.campaignId, delivery.journeyVersionId, delivery.journeyActionId],
  ]);
}

function given<K extends string>(name: K, value: string | null): { [P in K]?: string } {
  return value === null ? {} : ({ [name]: value } as { [P in K]: string });
}
