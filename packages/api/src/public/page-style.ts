/**
 * The style of the pages, as it stands in each of them.
 *
 * Contrast of text is at least 4.5:1 in both schemes, buttons are 3 rem high and lines with a tick as high as a thumb,
 * and the focus ring is always seen (WCAG 2.2: 1.4.3, 1.4.11, 2.4.7, 2.5.8).
 *
 * @module
 */
import { html, type Markup } from '@adieu/core';
import type { Brand } from './brand.ts';
import { contrast, pressed, textOn } from './colour.ts';

/** Of every page. */
export const STYLE: Markup = html`
:root{color-scheme:light dark;--page:#f2f3f5;--card:#ffffff;--text:#1b1f24;--quiet:#566070;--line:#e0e3e8;--edge:#868e9a;--field:#f6f7f9;--accent:#1d4fd8;--on-accent:#ffffff;--accent-down:#173fae;--accent-edge:transparent}
@media (prefers-color-scheme:dark){:root{--page:#101215;--card:#1a1d22;--text:#eceef1;--quiet:#a3adba;--line:#2c3138;--edge:#747d8a;--field:#22262d;--accent:#8fb0ff;--on-accent:#0d1526;--accent-down:#b4caff}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;padding:clamp(1.5rem,9vh,6rem) 1rem 2rem;background:var(--page);color:var(--text);font:1rem/1.55 system-ui,-apple-system,Segoe UI,Roboto,Helvetica Neue,Noto Sans,Noto Sans JP,Noto Sans Arabic,Arial,sans-serif;line-break:strict}
header,main,footer{width:100%;max-width:30rem}
header{padding-inline:.25rem;margin-block-end:1rem}
.sender{margin:0;color:var(--quiet);font-size:.9375rem;font-weight:600;overflow-wrap:anywhere}
.logo{display:block;max-width:min(100%,14rem);max-height:4rem}
@media (prefers-color-scheme:dark){.logo{padding:.5rem .75rem;border-radius:.5rem;background:#ffffff}}
main{padding:clamp(1.5rem,6vw,2.5rem);background:var(--card);border:1px solid var(--line);border-radius:1rem}
footer{padding:1rem .25rem 0;color:var(--quiet);font-size:.8125rem;overflow-wrap:anywhere}
footer p,address{margin:0 0 .5rem;font-style:normal}
h1{margin:0 0 .75rem;font-size:1.625rem;line-height:1.25;letter-spacing:-.01em;text-wrap:balance}
h2,legend{margin:0 0 .25rem;padding:0;font-size:1rem;font-weight:700;line-height:1.4}
:lang(ar) h1{letter-spacing:0}
p{margin:0 0 1rem;overflow-wrap:anywhere;text-wrap:pretty}
a{color:inherit;text-underline-offset:.2em}
.who{margin:1.25rem 0 1.5rem;padding:.75rem 1rem;background:var(--field);border-radius:.625rem;font-weight:600}
.who small{display:block;font-weight:400;color:var(--quiet);font-size:.8125rem}
form{margin:0}
button{display:block;width:100%;min-height:3rem;padding:.75rem 1.25rem;border:1px solid var(--accent-edge);border-radius:.625rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;cursor:pointer}
button:hover,button:active{background:var(--accent-down)}
.second button{background:transparent;color:var(--text);border-color:var(--edge)}
.second button:hover,.second button:active{background:var(--field)}
a:focus-visible,button:focus-visible,input:focus-visible{outline:3px solid var(--text);outline-offset:3px;border-radius:.25rem}
button:focus-visible{border-radius:.625rem}
.quiet{margin:1.25rem 0 0;color:var(--quiet);font-size:.875rem}
.other{margin-block-start:1.5rem;padding-block-start:1.25rem;border-block-start:1px solid var(--line)}
.other p{margin-block-end:.75rem}
.more{margin:1.25rem 0 0}
.more a{display:inline-block;padding-block:.25rem}
.note{padding:.75rem 1rem;background:var(--field);border-inline-start:4px solid var(--edge);border-radius:.25rem}
.done{display:flex;align-items:center;justify-content:center;width:3rem;height:3rem;margin:0 0 1.25rem;border-radius:50%;background:var(--field);color:var(--text);font-size:1.5rem;font-weight:700}
fieldset{min-width:0;margin:0 0 1.5rem;padding:0;border:0}
.hint{margin-block:-.75rem 1.75rem;color:var(--quiet);font-size:.875rem}
.tick{display:flex;gap:.875rem;align-items:flex-start;padding:.75rem 0;border-block-end:1px solid var(--line);cursor:pointer;overflow-wrap:anywhere}
.tick input{flex:none;width:1.5rem;height:1.5rem;margin:0;accent-color:var(--accent)}
.tick span{min-width:0;flex:1}
.tick small{display:block;color:var(--quiet);font-size:.8125rem}
.changes{margin:0 0 1.25rem;padding:0;list-style:none}
.changes li{padding:.625rem 0;border-block-end:1px solid var(--line);overflow-wrap:anywhere}
.changes small{display:block;color:var(--quiet);font-size:.8125rem}
.say{margin:0 0 1rem;padding:.75rem 1rem;background:var(--field);border-radius:.625rem;font-weight:600}
@media (forced-colors:active){main,.who,.say,button,.done{border:1px solid}}
`;

/** The cards of both schemes: what an accent has to be seen on. */
const CARDS = ['#ffffff', '#1a1d22'] as const;

/** A brand's colour, or null. What is hardly seen on the card gets an edge (3:1). */
export function brandStyle({ accent }: Brand): Markup | null {
  if (accent === undefined) return null;
  const edges = CARDS.map((card) => (contrast(accent, card) < 3 ? 'var(--edge)' : 'transparent'));
  const colours = `--accent:${accent};--on-accent:${textOn(accent)};--accent-down:${pressed(accent)}`;
  return html`:root{${colours};--accent-edge:${edges[0]}}@media (prefers-color-scheme:dark){:root{${colours};--accent-edge:${edges[1]}}}`;
}
