/**
 * The preheader: the line an inbox shows behind the subject, hidden in the mail itself.
 *
 * @module
 */
import { escapeHtml } from '@adieu/core';
import { readMarkup } from './markup.ts';
import { mask, readMustaches } from './mustache.ts';

const HIDDEN =
  'display:none;overflow:hidden;line-height:1px;opacity:0;max-height:0;max-width:0;font-size:1px;mso-hide:all;';

/** Inserts it behind the `<body>` tag. It is text: what stands around its Handlebars tags is escaped once. */
export function insertPreheader(html: string, preheader: string): string {
  if (preheader === '') return html;
  const { tags } = readMarkup(mask(html, readMustaches(html)));
  const at = tags.find(({ name, audience }) => name === 'body' && audience === 'everybody')?.end ?? 0;
  return `${html.slice(0, at)}<div style="${HIDDEN}">${escapeAround(preheader)}</div>${html.slice(at)}`;
}

function escapeAround(text: string): string {
  let done = 0;
  let escaped = '';
  for (const { start, end } of readMustaches(text)) {
    escaped += escapeHtml(text.slice(done, start)) + text.slice(start, end);
    done = end;
  }
  return escaped + escapeHtml(text.slice(done));
}
