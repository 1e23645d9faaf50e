/**
 * A template as a file: MJML or HTML, with its subject in its title.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { decodeHtml, Failure, type TemplateError } from '@adieu/core';

/** What a file says of itself. */
export interface TemplateFile {
  readonly path: string;
  /** From the file's name, as the server takes names. */
  readonly id: string;
  /** From `<mj-title>` or `<title>`; null without one. */
  readonly title: string | null;
  /** For the body of `PUT /v1/templates/{id}`. */
  readonly markup: { readonly mjml: string } | { readonly html: string };
}

/** Reads a file by its ending: `.mjml`, `.html`, `.htm`. */
export async function readTemplate(path: string): Promise<TemplateFile> {
  const ending = extname(path).toLowerCase();
  if (ending !== '.mjml' && ending !== '.html' && ending !== '.htm') {
    throw new Failure('template_format', `${path} is neither .mjml nor .html.`);
  }
  const content = await readText(path);
  const markup = ending === '.mjml' ? { mjml: content } : { html: content };
  return { path, id: idOf(path), title: titleOf(content), markup };
}

/** `newsletter.mjml:12:7: …`, as compilers say it. */
export function templateErrors(path: string, errors: readonly TemplateError[]): string {
  return errors
    .map(({ part, line, column, message }) => {
      const inFile = part === 'mjml' || part === 'html';
      const place = [inFile ? path : part, line, column].filter((piece) => piece !== undefined).join(':');
      return `${place}: ${message}`;
    })
    .join('\n');
}

/** A text file; a failure in words where it cannot be read. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Failure('file_unreadable', `${path} cannot be read.`, { cause });
  }
}

function idOf(path: string): string {
  const name = basename(path, extname(path))
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 100);
  return name === '' ? 'template' : name;
}

function titleOf(content: string): string | null {
  const found = /<(mj-title|title)\b[^>]*>([\s\S]*?)<\/\1>/i.exec(content)?.[2];
  const title = decodeHtml(found ?? '')
    .replace(/\s+/g, ' ')
    .trim();
  return title === '' ? null : title;
}
