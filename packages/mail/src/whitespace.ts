/**
 * White space that nobody sees, taken out of a compiled HTML part.
 *
 * Indentation between tags and between attributes is a quarter of what MJML writes, and quoted-printable makes
 * it longer. A run of white space shows as one space in HTML, so one character stands for it; what is shown as it
 * stands (`<pre>`, `white-space: pre`, scripts, style sheets) is left alone.
 *
 * @module
 */
import { readMarkup, type StartTag } from './markup.ts';
import { applyEdits, type Edit, mask, readMustaches } from './mustache.ts';

/** The same document with each run of insignificant white space as one character. */
export function collapseWhitespace(html: string): string {
  const masked = mask(html, readMustaches(html), 'x');
  // A style sheet may give any element preformatted text; which one is not worth finding out.
  if (/<style[^>]*>[^<]*white-space\s*:\s*(?:pre|break)/i.test(masked)) return html;
  const { tags, texts } = readMarkup(masked);
  const edits: Edit[] = [];
  for (const { start, end, preformatted } of texts) {
    if (preformatted) continue;
    for (const run of masked.slice(start, end).matchAll(/[ \t]*\n[ \t\n]*|[ \t]{2,}/g)) {
      const text = run[0].includes('\n') ? '\n' : ' ';
      if (run[0] !== text)
        edits.push({ start: start + run.index, end: start + run.index + run[0].length, text });
    }
  }
  for (const tag of tags) edits.push(...attributeGaps(tag, masked));
  return applyEdits(html, edits);
}

function attributeGaps(tag: StartTag, masked: string): Edit[] {
  const edits: Edit[] = [];
  let from = tag.nameEnd;
  for (const { start, end } of [...tag.attributes, { start: tag.end - 1, end: tag.end }]) {
    const gap = masked.slice(from, start);
    const text = start === tag.end - 1 ? '' : ' ';
    if (gap !== text && /^\s+$/.test(gap)) edits.push({ start: from, end: start, text });
    from = end;
  }
  return edits;
}
