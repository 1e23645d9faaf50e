/**
 * A landing page of your own: shows `page.html`, and tells Adieu what the person chose.
 *
 *     ADIEU_URL=http://127.0.0.1:3000 ADIEU_KEY=… PORT=8080 node server.js
 *
 * The rules: looking changes nothing, only the form's POST does. The key, which needs the scope `consents` and no other,
 * never leaves this server. The link's query is handed on as it came.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const {
  ADIEU_URL = 'http://127.0.0.1:3000',
  ADIEU_KEY = '',
  HOST = '127.0.0.1',
  PORT = '8080',
} = process.env;
const PAGE = readFileSync(new URL('./page.html', import.meta.url));
const LARGEST_FORM = 1_000;

const server = createServer(async (request, response) => {
  const answer = (status, type, body) =>
    response
      .writeHead(status, {
        'content-type': `${type}; charset=utf-8`,
        'cache-control': 'no-store',
        // The token stands in the URL: nobody that this page leads to should see it.
        'referrer-policy': 'no-referrer',
        'content-security-policy': "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
      })
      .end(body);
  try {
    if (request.method === 'GET' || request.method === 'HEAD') return answer(200, 'text/html', PAGE);
    if (request.method !== 'POST') return answer(405, 'text/plain', 'GET or POST.\n');
    const choice = (await readForm(request)).get('choice');
    if (choice !== 'yes' && choice !== 'no')
      return answer(400, 'text/plain', 'Please press one of the buttons.\n');
    const [status, words] = await tellAdieu(request.url.split('?').slice(1).join('?'), choice);
    return answer(status, 'text/plain', `${words}\n`);
  } catch (error) {
    console.error(error.message);
    return answer(503, 'text/plain', 'That could not be stored just now. Please try again.\n');
  }
});

/** Answers what to tell the person. */
async function tellAdieu(query, choice) {
  const headers = { authorization: `Bearer ${ADIEU_KEY}`, 'content-type': 'application/json' };
  const read = await fetch(`${ADIEU_URL}/journey/imp/consent/decrypt?${query}`, { headers });
  if (read.status === 404 || read.status === 400) {
    return [404, 'This link is not whole. Please open it from the message again.'];
  }
  if (!read.ok) throw new Error(`Adieu answered ${read.status}`);
  // A no may be wider than the link, a yes may not: the link's own scope is right for both.
  const { optOutLevel: scope } = await read.json();
  const stored = await fetch(`${ADIEU_URL}/journey/imp/consent/preferences?${query}`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ marketing: [{ type: 'email', choice, scope }] }),
  });
  if (!stored.ok) throw new Error(`Adieu answered ${stored.status}`);
  // What stands now: a yes does not lift a complaint.
  const stands = (await stored.json()).choice;
  if (stands === 'no') return [200, 'You are unsubscribed.'];
  return [200, 'You are on our list.'];
}

async function readForm(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > LARGEST_FORM) throw new Error('a form that is too large');
  }
  return new URLSearchParams(text);
}

server.listen(Number(PORT), HOST, () => console.log(`http://${HOST}:${server.address().port}`));
