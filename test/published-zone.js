/**
 * Loaded into a program before anything else: DNS is what `ZONE` says (values by `name type`), hosts of MTA-STS policies that have a
 * name there are served at `POLICY_HOST`, and the one authority that the public knows is the file `PUBLIC_AUTHORITY`.
 *
 * @module
 */
import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { register } from 'node:module';

const zone = JSON.parse(process.env.ZONE ?? '{}');
const { POLICY_HOST: policyHost, PUBLIC_AUTHORITY: authority } = process.env;

function look(name, type) {
  const values = zone[`${name} ${type}`];
  if (values === undefined) throw Object.assign(new Error('unknown'), { code: 'ENODATA' });
  return values;
}

Object.assign(Resolver.prototype, {
  resolve: async (name, type = 'A') => look(name, type),
  resolve4: async (name) => look(name, 'A'),
  resolve6: async (name) => look(name, 'AAAA'),
  resolveCname: async (name) => look(name, 'CNAME'),
  // As DNS has it: in strings of 255 octets at most.
  resolveTxt: async (name) => look(name, 'TXT').map((text) => text.match(/.{1,255}/gs)),
  resolveMx: async (name) =>
    look(name, 'MX').map((value) => {
      const [priority, exchange] = value.split(' ');
      return { priority: Number(priority), exchange };
    }),
});

globalThis.fetch = async (asked) => {
  const { hostname, pathname, protocol } = new URL(asked);
  if (protocol !== 'https:' || zone[`${hostname} CNAME`] === undefined) {
    throw new TypeError('fetch failed', {
      cause: Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }),
    });
  }
  const answer = await new Promise((resolve, reject) => {
    request(`${policyHost}${pathname}`, { headers: { host: hostname } }, resolve)
      .on('error', reject)
      .end();
  });
  const headers = { 'content-type': answer.headers['content-type'] };
  return new Response(Buffer.concat(await answer.toArray()), { status: answer.statusCode, headers });
};

if (authority !== undefined) {
  // A name of its own goes before one of many.
  const tls = `export * from 'tls'; export const rootCertificates = ${JSON.stringify([readFileSync(authority, 'utf8')])};`;
  const only = `data:text/javascript,${encodeURIComponent(tls)}`;
  const hook = `export const resolve = (specifier, context, next) =>
    specifier === 'node:tls' && context.parentURL?.includes('/packages/app/')
      ? { url: ${JSON.stringify(only)}, shortCircuit: true }
      : next(specifier, context);`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}
