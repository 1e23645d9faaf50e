/**
 * The mailbox over HTTP: pages for people, JSON and `.eml` for programs. Works without JavaScript.
 *
 * A mail is hostile until shown otherwise, and it is never shown otherwise: its HTML is served alone, under a
 * policy that allows no script, no form and no fetch, inside a sandboxed frame. Only a POST from one of these
 * pages does anything (RFC 9110 §9.2.1).
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Log, parseAddress } from '@adieu/core';
import { bodyPolicy, plain, send, sendPage } from './answer.ts';
import { type Door, doorTo, linkHostOf, markupThroughDoor, passThrough } from './door.ts';
import { listPage } from './list-page.ts';
import { mailPage, TABS } from './mail-page.ts';
import { sendMailto } from './mailto.ts';
import { postOneClick } from './oneclick.ts';
import { isOwnForm, isOwnName } from './origin.ts';
import type { Reading, Readings } from './reading.ts';
import { MAIL_ID, type Mail, type Shelf } from './shelf.ts';
import { STYLE, STYLE_PATH } from './style.ts';

export interface SiteOptions {
  readonly shelf: Shelf;
  readonly readings: Readings;
  readonly relayInbound?: { readonly host: string; readonly port: number };
  readonly postBase?: string;
  readonly log: Log;
}

const ROWS_PER_PAGE = 50;
const REQUEST_BODY_LIMIT = 16 * 1024;

export function createSite(options: SiteOptions): Server {
  const { log, postBase } = options;
  const server = createServer((request, response) => {
    const linkHost = linkHostOf(request.headers.host);
    if (linkHost !== null && postBase !== undefined) {
      passThrough(request, response, { linkHost, postBase });
      return;
    }
    answer(request, response, options).catch((error) => {
      log.error({ error: String(error) }, 'a page of the mailbox failed');
      if (response.headersSent) response.destroy();
      else plain(response, 500, 'Something went wrong.');
    });
  });
  server.requestTimeout = 30_000;
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: SiteOptions,
): Promise<void> {
  const method = request.method ?? 'GET';
  if (!isOwnName(request.headers.host)) return plain(response, 421, 'This mailbox has no such name.');
  const target = `http://mailbox.localhost${request.url ?? '/'}`;
  if (!URL.canParse(target)) return plain(response, 400, 'No such page.');
  const url = new URL(target);
  const path = url.pathname;
  const [, folder, name = '', action] = path.split('/');

  if (method === 'POST') {
    if (!isOwnForm(request)) return plain(response, 403, 'Only a page of this mailbox may do that.');
    await drain(request);
    const mail = folder === 'messages' ? find(options.shelf, name) : null;
    if (mail === null || (action !== 'unsubscribe' && action !== 'mailto'))
      return plain(response, 404, 'No such mail.');
    await leave(mail, action, options);
    return send(response, 303, { location: `/messages/${mail.id}` }, '');
  }
  if (method !== 'GET' && method !== 'HEAD')
    return plain(response, 405, 'Only GET, HEAD and POST.', { allow: 'GET, HEAD, POST' });

  if (path === '/') return index(url, response, options);
  if (path === STYLE_PATH) {
    return send(
      response,
      200,
      { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'public, max-age=31536000, immutable' },
      STYLE,
    );
  }
  if (path === '/messages.json') return messagesJson(url, response, options);
  if (folder === 'messages' && action === undefined && name.endsWith('.eml')) {
    const mail = find(options.shelf, name.slice(0, -'.eml'.length));
    if (mail === null) return plain(response, 404, 'No such mail.');
    return send(
      response,
      200,
      { 'content-type': 'message/rfc822', 'content-disposition': `attachment; filename="${mail.id}.eml"` },
      mail.raw,
    );
  }
  const mail = folder === 'messages' ? find(options.shelf, name) : null;
  if (mail === null) return plain(response, 404, 'No such page.');
  if (action === undefined) return message(mail, url, { request, response }, options);
  if (action === 'body') return body(mail, url, { request, response }, options);
  return plain(response, 404, 'No such page.');
}

async function index(url: URL, response: ServerResponse, { shelf, readings }: SiteOptions): Promise<void> {
  const recipient = (url.searchParams.get('recipient') ?? '').trim().slice(0, 320);
  const mails = toRecipient(shelf.list(), recipient);
  const pages = Math.max(1, Math.ceil(mails.length / ROWS_PER_PAGE));
  const page = Math.min(pages, Math.max(1, Math.floor(Number(url.searchParams.get('page'))) || 1));
  const shown = mails.slice((page - 1) * ROWS_PER_PAGE, page * ROWS_PER_PAGE);
  const rows = await Promise.all(
    shown.map(async (mail) => ({ mail, summary: await readings.summary(mail) })),
  );
  sendPage(response, listPage({ rows, total: mails.length, recipient, page, pages, now: new Date() }));
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function message(mail: Mail, url: URL, exchange: Exchange, options: SiteOptions): Promise<void> {
  const reading = await options.readings.read(mail);
  const tab = TABS.find((known) => known === url.searchParams.get('view')) ?? 'message';
  const door = doorOf(reading, exchange.request, options);
  sendPage(
    exchange.response,
    mailPage({ mail, reading, tab, pictures: url.searchParams.has('pictures'), door }),
  );
}

async function body(mail: Mail, url: URL, exchange: Exchange, options: SiteOptions): Promise<void> {
  const reading = await options.readings.read(mail);
  const door = doorOf(reading, exchange.request, options);
  const markup = reading.inspection.html ?? '';
  send(
    exchange.response,
    200,
    {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': bodyPolicy(url.searchParams.has('pictures')),
    },
    withNewWindows(door === null ? markup : markupThroughDoor(markup, door)),
  );
}

/** Only the link host of the mail's own header has a door, and only where there is somewhere for it to lead. */
function doorOf({ inspection }: Reading, request: IncomingMessage, options: SiteOptions): Door | null {
  const { https } = inspection.listUnsubscribe;
  if (options.postBase === undefined || https === undefined || !URL.canParse(https)) return null;
  const { host } = new URL(https);
  return linkHostOf(`${host}.localhost`) === null ? null : doorTo(host, request.headers.host ?? '');
}

/** Links open in a window of their own, as every mailbox provider has it; a frame is no place to browse. */
function withNewWindows(markup: string): string {
  const base = '<base target="_blank">';
  const head =
    /<head(?:\s[^>]*)?>/i.exec(markup) ??
    /<html(?:\s[^>]*)?>/i.exec(markup) ??
    /<!doctype[^>]*>/i.exec(markup);
  if (head === null) return base + markup;
  const end = head.index + head[0].length;
  return markup.slice(0, end) + base + markup.slice(end);
}

async function messagesJson(
  url: URL,
  response: ServerResponse,
  { shelf, readings }: SiteOptions,
): Promise<void> {
  const recipient = (url.searchParams.get('recipient') ?? '').trim();
  const limit = Math.min(5_000, Math.max(1, Math.floor(Number(url.searchParams.get('limit'))) || 5_000));
  const mails = toRecipient(shelf.list(), recipient).slice(0, limit);
  const messages = await Promise.all(
    mails.map(async (mail) => {
      const { subject, fromAddress, fromName, messageId } = await readings.summary(mail);
      const { id, receivedAt, sender, recipients, departures } = mail;
      return {
        id,
        receivedAt,
        sender,
        recipients,
        from: { name: fromName, address: fromAddress },
        subject,
        messageId,
        size: mail.raw.length,
        departures,
      };
    }),
  );
  send(
    response,
    200,
    { 'content-type': 'application/json; charset=utf-8' },
    `${JSON.stringify({ messages })}\n`,
  );
}

async function leave(mail: Mail, action: 'unsubscribe' | 'mailto', options: SiteOptions): Promise<void> {
  const { inspection } = await options.readings.read(mail);
  const { https, mailto } = inspection.listUnsubscribe;
  const departure =
    action === 'unsubscribe'
      ? await postOneClick(https ?? '', options.postBase)
      : await sendMailto({
          uri: mailto ?? '',
          from: mail.recipients[0] ?? '',
          ...(options.relayInbound === undefined ? {} : { inbound: options.relayInbound }),
        });
  options.log.info({ way: departure.way, code: departure.code }, 'unsubscribed from the demo mailbox');
  await options.shelf.depart(mail.id, departure);
}

function find(shelf: Shelf, id: string): Mail | null {
  return MAIL_ID.test(id) ? shelf.find(id) : null;
}

function toRecipient(mails: readonly Mail[], recipient: string): readonly Mail[] {
  if (recipient === '') return mails;
  const wanted = addressKey(recipient);
  return mails.filter((mail) => mail.recipients.some((address) => addressKey(address) === wanted));
}

function addressKey(address: string): string {
  const parsed = parseAddress(address);
  return parsed.ok ? parsed.address.key : address.toLowerCase();
}

async function drain(request: IncomingMessage): Promise<void> {
  let octets = 0;
  for await (const chunk of request) {
    octets += (chunk as Buffer).length;
    if (octets > REQUEST_BODY_LIMIT) throw new Error('request body too large');
  }
}
