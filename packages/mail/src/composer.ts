/**
 * The composer: a finished message out of a compiled template and one recipient.
 *
 * One composer per template version, configuration version and subdomain; what these decide is computed when it is
 * opened. Composing renders the slots, seals the links, writes the header and signs last (DK-11). What comes out
 * is complete: CRLF, 7bit, signed, every link filled. There is no other outcome that could be sent.
 *
 * @module
 */
import {
  type BodyLink,
  EMAIL_NAMESPACE,
  Failure,
  isFailure,
  mailTokenAddress,
  namespaceKey,
  parseAddress,
  sealMailToken,
} from '@adieu/core';
import { type Body, type FilledBody, openBody, PLACEHOLDER_LEFT, refusePlaceholder } from './body.ts';
import type { Composed, ComposeInput, ComposerOptions } from './composition.ts';
import { openSigner, type Signer } from './dkim.ts';
import { overlongField, writeField } from './field.ts';
import { type LinkUrls, openLinkUrls } from './linkurl.ts';
import {
  customerEndpoints,
  type ListUnsubscribeOptions,
  listUnsubscribeFields,
  openHeaderPlanner,
} from './listunsubscribe.ts';
import { openMessageHeader, type WriteHeader } from './messageheader.ts';
import { type Rendering, renderPieces } from './slot.ts';
import type { CompiledTemplate } from './template.ts';
import type { Variant } from './variant.ts';

/** Makes messages. */
export interface Composer {
  /**
   * Composes one message. Rejects with a temporary Failure when it cannot be signed: nothing unsigned ever comes
   * out.
   */
  readonly compose: (input: ComposeInput) => Promise<Composed>;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MILLISECONDS_PER_DAY = 86_400_000;
/** Stands in for every message when it is tried whether links fit into their tokens. */
const NOBODY = {
  messageId: '00000000-0000-4000-8000-000000000000',
  profileId: '0',
  profileNamespace: 'Email',
  address: 'a@example.com',
  addressNamespace: 'Email',
};

/**
 * Opens a composer. Throws a Failure when no message could leave: a signing key that is missing or wrong (U9), a
 * link of level `subscription` without a list, a link that no token can hold, a link base URL that is not https.
 */
export function openComposer(options: ComposerOptions): Composer {
  const { template, configuration, subdomain, organisation, sandbox, ring, list } = options;
  const { domain } = subdomain;
  const links = resolveLinks(options);
  const urls = openLinkUrls({
    linkBaseUrl: httpsBase(subdomain.linkBaseUrl),
    organisation,
    ring,
    ...(list === undefined ? {} : { list: list.name }),
  });
  const trial = urls.forMessage({ ...NOBODY, ...journeyOf(options) });
  for (const link of links) trial(link);
  const constants: Constants = {
    options,
    links,
    urls,
    ...openVariants(template),
    writeHeader: openMessageHeader({ ...options, domain }),
    signer: openSigner({
      ...subdomain,
      emailType: configuration.emailType,
      makeSignature: options.makeSignature,
    }),
    listUnsubscribe: {
      plan: openHeaderPlanner(configuration.listUnsubscribe, links, options.inbound),
      consentLevel: configuration.listUnsubscribe.consentLevel,
      customer: customerEndpoints(configuration.listUnsubscribe),
      domain,
      organisation,
      sandbox,
      ring,
      list: list?.number ?? 0,
    },
  };
  return { compose: (input) => composeMessage(constants, input) };
}

/** What is computed once. */
interface Constants {
  readonly options: ComposerOptions;
  readonly links: readonly BodyLink[];
  readonly urls: LinkUrls;
  readonly personal: OpenVariant;
  readonly impersonal: OpenVariant;
  readonly writeHeader: WriteHeader;
  readonly signer: Signer;
  readonly listUnsubscribe: ListUnsubscribeOptions;
}

interface OpenVariant {
  readonly body: Body;
  readonly subject: Variant['subject'];
}

/** A template without personalised blocks is encoded once. */
function openVariants({
  impersonal,
  ...template
}: CompiledTemplate): Pick<Constants, 'personal' | 'impersonal'> {
  const personal = { body: openBody(template), subject: template.subject };
  if (impersonal.html === template.html) return { personal, impersonal: personal };
  return { personal, impersonal: { body: openBody(impersonal), subject: impersonal.subject } };
}

async function composeMessage(constants: Constants, input: ComposeInput): Promise<Composed> {
  const { options, writeHeader, signer, listUnsubscribe } = constants;
  const { messageId, date, profile, address } = input;
  // It stands in Message-ID: whatever is not a UUID is a mistake of ours, not of the recipient's.
  if (!UUID.test(messageId)) throw new Failure('message_id_invalid', 'A message id is a UUID.');
  const recipient = parseAddress(address.spelling);
  if (!recipient.ok || recipient.address.spelling !== address.spelling) {
    return excluded('050302', 'The address is not the one that goes on the wire.');
  }
  const rendering = openRendering(constants, input);
  const rendered = render(input.personal === null ? constants.impersonal : constants.personal, rendering);
  if (!rendered.ok) return rendered;
  const day = Math.floor(date.getTime() / MILLISECONDS_PER_DAY);
  const person = { profile: profile.number, address: address.number, day };
  const { subject, filled } = rendered;
  const unsubscribe = listUnsubscribeFields(listUnsubscribe, {
    ...person,
    url: rendering.seal,
    htmlLinks: filled.htmlLinks,
  });
  const fields = writeHeader({
    messageId,
    date,
    to: address.spelling,
    subject,
    listUnsubscribe: unsubscribe.fields,
  });
  const overlong = overlongField(fields);
  if (overlong !== null) return excluded('050302', `A line of ${overlong} would pass 998 octets.`);
  const signature = await signer.sign(fields, filled.hash, date);
  const header = Buffer.from(`${signature}${fields.map(writeField).join('')}\r\n`);
  const content = [header, ...filled.chunks];
  return {
    ok: true,
    envelope: { from: returnPath(options, person), to: address.spelling },
    content,
    size: content.reduce((octets, chunk) => octets + chunk.length, 0),
    smtputf8: !recipient.address.ascii,
    warnings: [...unsubscribe.warnings],
  };
}

function openRendering(
  { options, links, urls }: Constants,
  { messageId, profile, personal, address, context }: ComposeInput,
): Rendering & { readonly seal: ReturnType<LinkUrls['forMessage']> } {
  const seal = urls.forMessage({
    ...journeyOf(options),
    messageId,
    profileId: profile.id,
    profileNamespace: profile.namespace,
    ...(isShareable(profile.namespace) ? { profileNumber: profile.number } : {}),
    address: address.spelling,
    addressNamespace: address.namespace,
  });
  return {
    data: {
      profile: personal === null ? {} : { ...personal.attributes, consents: personal.consents },
      context,
    },
    seal,
    url: (index) => {
      const link = links[index];
      if (link === undefined) throw new Error(PLACEHOLDER_LEFT);
      return seal(link);
    },
  };
}

/** Several may have one Email; every other id is of one person alone. */
function isShareable(namespace: string): boolean {
  return namespaceKey(namespace) === namespaceKey(EMAIL_NAMESPACE);
}

type Rendered =
  | { readonly ok: true; readonly filled: FilledBody; readonly subject: string }
  | ReturnType<typeof excluded>;

function render({ body, subject }: OpenVariant, rendering: Rendering): Rendered {
  try {
    const filled = body.fill(rendering);
    return { ok: true, filled, subject: refusePlaceholder(renderPieces(subject, rendering)) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const isLink = detail === PLACEHOLDER_LEFT || (isFailure(error) && error.code === 'token_too_long');
    return excluded(isLink ? '050081' : '050302', detail);
  }
}

/** The VERP address: a bounce names profile and address by their numbers (OH-18). */
function returnPath(
  { ring, organisation, sandbox, list, subdomain }: ComposerOptions,
  person: { readonly profile: number; readonly address: number; readonly day: number },
): string {
  const claims = { ...person, list: list?.number ?? 0, scope: 'channel' } as const;
  return mailTokenAddress(
    'verp',
    sealMailToken(ring, 'verp', { organisation, sandbox }, claims),
    subdomain.domain,
  );
}

/** A link without a level of its own follows the configuration's (U3). */
function resolveLinks({ template, configuration, list }: ComposerOptions): readonly BodyLink[] {
  const { consentLevel, enabled } = configuration.listUnsubscribe;
  const links = template.links.map((link) => ({ ...link, level: link.level ?? consentLevel }));
  const levels = links.map(({ level }) => level).concat(enabled ? consentLevel : []);
  if (list === undefined && levels.includes('subscription')) {
    throw new Failure('list_required', 'A consent level of subscription needs a list.', { field: 'list' });
  }
  return links;
}

function journeyOf({ campaignId, journeyVersionId, journeyActionId, sandbox }: ComposerOptions) {
  return {
    sandbox,
    ...(campaignId === undefined ? {} : { campaignId }),
    ...(journeyVersionId === undefined ? {} : { journeyVersionId }),
    ...(journeyActionId === undefined ? {} : { journeyActionId }),
  };
}

/** A provider's one-click POST goes to https only (OH-2). */
function httpsBase(linkBaseUrl: string): string {
  if (URL.canParse(linkBaseUrl) && linkBaseUrl.startsWith('https://')) return linkBaseUrl.replace(/\/+$/, '');
  throw new Failure('link_base_url_invalid', 'The link base URL must be https.', { field: 'linkBaseUrl' });
}

function excluded(code: '050302' | '050081', detail: string) {
  return { ok: false, code, detail } as const;
}
