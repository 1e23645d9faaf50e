/**
 * Who asks: one of our own pages, or a page of somebody else that a browser was led to?
 *
 * The mailbox has no login, so being on this machine is all that protects it; a browser on this machine may be
 * reading a hostile page.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/**
 * A name that only this machine or its network can have given: an address, one label, `*.localhost`. A public
 * name that points here belongs to somebody who wants a browser to read this page for them (DNS rebinding).
 */
export function isOwnName(hostHeader: string | undefined): boolean {
  const name = (hostHeader ?? '').toLowerCase().replace(/:\d+$/, '');
  return isIP(name.replace(/^\[|\]$/g, '')) !== 0 || !name.includes('.') || name.endsWith('.localhost');
}

/** Browsers say where a form came from; a program that says nothing is not a page of somebody else's. */
export function isOwnForm(request: IncomingMessage): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const { origin } = request.headers;
  return (
    origin === undefined ||
    origin === `http://${request.headers.host ?? ''}` ||
    origin === `https://${request.headers.host ?? ''}`
  );
}
