/**
 * The text part, derived from the HTML when the author gave none. Once per template version.
 *
 * Links and Handlebars tags survive: they travel through html-to-text as words. What Outlook alone would read,
 * hidden preview text and pictures are left out. A block tag that stands on a line of its own takes the blank
 * line behind it along, so that a block that is not rendered leaves no gap.
 *
 * @module
 */
import { type FormatCallback, type HtmlToTextOptions, htmlToText } from 'html-to-text';
import { readMustaches, tokenise } from './mustache.ts';

/** Derives the text of HTML whose links are helpers already. The answer is Handlebars again. */
export function deriveText(html: string): string {
  const mustaches = readMustaches(html).filter(({ kind }) => kind !== 'refused');
  const tokens = tokenise(html, mustaches);
  const text = htmlToText(tokens.text, OPTIONS)
    .split('\n')
    .map((line) => (PADDING.test(line) ? '' : line.trimEnd()))
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
  // Braces that are left were text (`&#123;`) or escaped; they must stay text.
  const literal = text.replace(/\\?\{\{/g, '\\{{');
  const isBlock = (index: string): boolean =>
    /^(?:open|else|close)$/.test(mustaches[Number(index)]?.kind ?? '');
  const blockLine = new RegExp(`^((?:${tokens.pattern.source}[ ]*)+)\\n\\n`, 'gm');
  const tightened = literal.replace(blockLine, (line, words: string) =>
    [...words.matchAll(tokens.pattern)].every(([, index = '']) => isBlock(index)) ? `${words}\n` : line,
  );
  return `${tokens.restore(tightened)}\n`;
}

/** A line of nothing but white space and what mails use to pad a preview. */
const PADDING = /^(?:\s|\u034f|\u200b|\u200c|\u200d|\u2060|\ufeff)*$/;

/** Cells of a row stand on one line, apart; layout tables nest, and their blocks break lines by themselves. */
const cell: FormatCallback = (element, walk, builder) => {
  builder.addInline(' ');
  walk(element.children, builder);
  builder.addInline(' ');
};

/** A picture that is a link's only content says what it shows. */
const picture: FormatCallback = (element, _walk, builder) => {
  const alt: unknown = element.attribs?.alt;
  if (element.parent?.name === 'a' && typeof alt === 'string') builder.addInline(alt);
};

const OPTIONS: HtmlToTextOptions = {
  wordwrap: false,
  limits: { maxInputLength: Number.MAX_SAFE_INTEGER, ellipsis: '' },
  formatters: { cell, picture },
  selectors: [
    { selector: 'img', format: 'picture' },
    ...['style', 'script', 'title', 'noscript', 'head', 'template', '[hidden]'].map((selector) => ({
      selector,
      format: 'skip',
    })),
    { selector: '[style*="display:none"]', format: 'skip' },
    { selector: '[style*="display: none"]', format: 'skip' },
    {
      selector: 'a',
      options: { linkBrackets: ['<', '>'], hideLinkHrefIfSameAsText: true, noAnchorUrl: true },
    },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'tr', format: 'block', options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
    { selector: 'td', format: 'cell' },
    { selector: 'th', format: 'cell' },
  ],
};
