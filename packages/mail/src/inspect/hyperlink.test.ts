import { expect, test } from '@jest/globals';
import { findHyperlinks } from './hyperlink.ts';

const visible = (html: string): boolean[] => findHyperlinks(html).map((link) => link.visible);

test('a link in an element of font size zero is hidden', () => {
  expect(visible('<td style="font-size:0px"><a href="https://a.example/">leave</a></td>')).toEqual([false]);
  expect(visible('<a style="color:red;font-size: 0 !important" href="https://a.example/">leave</a>')).toEqual(
    [false],
  );
});

test("a size of its own shows a link inside MJML's columns of font size zero", () => {
  const column =
    '<td style="font-size:0px;padding:0"><div style="font-size:13px"><a href="https://a.example/">x</a></div>';
  expect(
    visible(`${column}<a href="https://b.example/">y</a></td><a href="https://c.example/">z</a>`),
  ).toEqual([true, false, true]);
});

test('what is not displayed is hidden whatever its font size', () => {
  const html =
    '<div style="display:none"><p style="font-size:16px"><a href="https://a.example/">x</a></p></div>';
  expect(visible(html)).toEqual([false]);
});

test('a million open elements take no longer than they are long', () => {
  const html = `${'<div>'.repeat(1_000_000)}<a href="https://a.example/">x</a>`;
  expect(visible(html)).toEqual([true]);
});
