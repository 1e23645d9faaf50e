/**
 * A real browser for the public pages: Debian's Chromium, which finds Adieu under the names of links as DNS would.
 *
 * One rule: every context watches what its pages do. A request to anywhere but the link's own origin, a cookie, or a page over 30 KB is
 * a complaint, whatever the test was about.
 *
 * Without Chromium the tests are skipped and say so; under `CI=true` they fail.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { describe } from '@jest/globals';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
/** Octets of a page, as the product promises. */
const PAGE_LIMIT = 30 * 1024;

/** A block of tests that need the browser. */
export function describeInBrowser(name: string, body: () => void): void {
  if (existsSync(CHROMIUM) || process.env.CI === 'true') describe(name, body);
  else describe.skip(`${name} (skipped: chromium not installed)`, body);
}

/** Starts the browser; `hosts` says where a link's host leads, as `host:port`. */
export function startBrowser(hosts: Readonly<Record<string, string>>): Promise<Browser> {
  const rules = Object.entries(hosts).map(([name, target]) => `MAP ${name} ${target}`);
  return chromium.launch({
    executablePath: CHROMIUM,
    // As root there is no sandbox. Links are https, which a proxy ends; here the browser talks to Adieu itself.
    args: [
      '--no-sandbox',
      // Letters without coloured edges make smaller pictures.
      '--disable-lcd-text',
      `--host-resolver-rules=${rules.join(', ')}`,
      '--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable',
    ],
  });
}

/** How somebody looks at pages. */
export interface Looking {
  readonly locale: string;
  readonly scripts: boolean;
  readonly dark?: boolean;
  /** For axe only: its script is one that no page of ours would let in. */
  readonly bypassCSP?: boolean;
}

/** A context and what was wrong in it so far. */
export interface Watched {
  readonly context: BrowserContext;
  complaints(): Promise<readonly string[]>;
}

/** Opens a context that watches its pages. `origin`: the only one that they may ask. */
export async function watch(browser: Browser, origin: string, looking: Looking): Promise<Watched> {
  const context = await browser.newContext({
    locale: looking.locale,
    javaScriptEnabled: looking.scripts,
    colorScheme: looking.dark === true ? 'dark' : 'light',
    bypassCSP: looking.bypassCSP ?? false,
    viewport: { width: 1280, height: 800 },
  });
  const complaints: string[] = [];
  const reading: Promise<void>[] = [];
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.origin !== origin) complaints.push(`asked ${url.origin}`);
  });
  context.on('response', (response) => {
    const headers = response.headers();
    if ('set-cookie' in headers) complaints.push(`a cookie from ${new URL(response.url()).pathname}`);
    if (!headers['content-type']?.startsWith('text/html')) return;
    const measured = response.body().then(
      (body) => {
        if (body.length > PAGE_LIMIT) complaints.push(`a page of ${body.length} octets`);
      },
      // Its page is gone already.
      () => undefined,
    );
    reading.push(measured);
  });
  context.on('page', (page) => {
    page.on('pageerror', (error) => complaints.push(`a script failed: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/favicon|404/.test(message.text())) complaints.push(message.text());
    });
  });
  return {
    context,
    async complaints() {
      await Promise.all(reading);
      const cookies = await context.cookies();
      return [...complaints, ...cookies.map(({ name }) => `the cookie ${name}`)];
    },
  };
}

/** What axe-core finds wrong with a page, one line for each place. The context has to run scripts and to bypass the policy. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<axe.Result[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)`,
  );
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html}: ${failureSummary}`),
  );
}

/** Looks for what stands outside of the window or is cut off. */
const OVERFLOW = `(() => {
  const width = document.documentElement.clientWidth;
  const wide = document.documentElement.scrollWidth > width ? ['the page is wider than ' + width] : [];
  const outside = [...document.body.querySelectorAll('*')].filter((element) => {
    const { left, right, width: own } = element.getBoundingClientRect();
    const cut = element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1;
    return own > 0 && (left < -0.5 || right > width + 0.5 || cut);
  });
  return [...wide, ...outside.map((element) => element.outerHTML.slice(0, 200))];
})()`;

/** What stands outside of the window or is cut off, one line for each. */
export async function overflow(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(OVERFLOW);
}
