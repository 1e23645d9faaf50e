/**
 * Loaded into a program before anything else: the web, as far as Amazon SNS is concerned, is what `SNS_WEB` says (answers by URL). Each
 * URL that is asked for is written down on standard error.
 *
 * @module
 */
const web = JSON.parse(process.env.SNS_WEB ?? '{}');

globalThis.fetch = async (url) => {
  process.stderr.write(`asked the web for ${url}\n`);
  const found = Object.entries(web).find(([start]) => String(url).startsWith(start));
  return found === undefined ? new Response('', { status: 404 }) : new Response(found[1]);
};
