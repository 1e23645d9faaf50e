import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Brand, readBrand } from './brand.ts';
import { contrast, pressed, textOn } from './colour.ts';
import { logoFault } from './logo.ts';
import { brandStyle } from './page-style.ts';

const PNG = `data:image/png;base64,${Buffer.from('89504e470d0a1a0a0000000d', 'hex').toString('base64')}`;
const svg = (inside: string): string =>
  `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg">${inside}</svg>`)}`;

describe('a logo', () => {
  test.each([
    PNG,
    `data:image/gif;base64,${Buffer.from('GIF89a....').toString('base64')}`,
    `data:image/jpeg;base64,${Buffer.from('ffd8ffe0', 'hex').toString('base64')}`,
    `data:image/webp;base64,${Buffer.from('RIFF0000WEBPVP8 ').toString('base64')}`,
    svg('<linearGradient id="g"/><rect fill="url(#g)"/>'),
    `data:image/svg+xml;base64,${Buffer.from('<?xml version="1.0"?>\n<svg/>').toString('base64')}`,
  ])('is an image that is what it says: %.40s', (uri) => {
    expect(logoFault(uri)).toBeNull();
  });

  test.each([
    'https://brand.example/logo.png',
    'data:text/html,<script>alert(1)</script>',
    'data:image/png,%89PNG',
    PNG.replace('image/png', 'image/gif'),
    PNG.replace('base64,', 'base64,"><script>'),
    `data:image/png;base64,${Buffer.from('<svg onload=alert(1)>').toString('base64')}`,
    'data:image/svg+xml,%E0%A4%A',
    'data:image/svg+xml,<html><svg/></html>',
    svg('<script>alert(1)</script>'),
    svg('<g onload="alert(1)"/>'),
    svg('<image href="https://evil.example/x.png"/>'),
    svg('<style>@import "https://evil.example"</style>'),
    svg('<rect fill="url(https://evil.example/#x)"/>'),
    svg('<foreignObject/>'),
    'data:image/svg+xml,<!DOCTYPE svg><svg/>',
    `data:image/svg+xml,<svg data-x="${"'".repeat(3_000)}"/>`,
  ])('is refused: %.60s', (uri) => {
    expect(logoFault(uri)).toEqual(expect.any(String));
  });
});

describe('a colour', () => {
  const colour = fc
    .integer({ min: 0, max: 0xff_ff_ff })
    .map((value) => `#${value.toString(16).padStart(6, '0')}`);

  test('contrast is what WCAG computes', () => {
    expect(contrast('#ffffff', '#000000')).toBeCloseTo(21, 5);
    expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
  });

  test('WCAG 1.4.3: a button of any colour can be read, also while it is pressed', () => {
    fc.assert(
      fc.property(colour, (accent) => {
        expect(contrast(accent, textOn(accent))).toBeGreaterThanOrEqual(4.5);
        expect(contrast(pressed(accent), textOn(accent))).toBeGreaterThanOrEqual(
          contrast(accent, textOn(accent)),
        );
      }),
    );
  });

  test('WCAG 1.4.11: a button as pale as the card gets an edge', () => {
    expect(brandStyle({ accent: '#ffffff' })?.markup).toContain('--accent-edge:var(--edge)}@media');
    expect(brandStyle({ accent: '#0b7a4b' })?.markup).toContain('--accent-edge:transparent}@media');
  });
});

describe('a brand', () => {
  test.each([
    { name: '' },
    { name: 'x'.repeat(81) },
    { name: 'evil\u202etxt.exe' },
    { name: 'two\nlines' },
    { name: 'nul\0' },
    { texts: { en: { footer: 'x'.repeat(10_000) } } },
    { texts: { en: { title: 'another question' } } },
    { texts: { sv: { footer: 'hej' } } },
    { accent: 'red' },
    { accent: '#fff;}body{display:none' },
    { channels: [] },
    { channels: ['email', 'email'] },
    { channels: ['any'] },
    { defaultLanguage: 'sv' },
    { contact: { email: 'nobody' } },
    { logo: `${PNG}${'A'.repeat(10_000)}` },
    { css: 'body{}' },
  ])('is refused: %j', (brand) => {
    expect(Brand.safeParse(brand).success).toBe(false);
  });

  test('that was kept and would not be taken now is none', () => {
    expect(readBrand({ name: 'a\u202eb' })).toEqual({});
    expect(readBrand({ name: 'Fern & Co' })).toEqual({ name: 'Fern & Co' });
  });
});
