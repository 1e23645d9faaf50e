/**
 * Colours that can be read on each other (WCAG 2.2: 1.4.3, 1.4.11).
 *
 * @module
 */

const [WHITE, BLACK] = ['#ffffff', '#000000'];

/** Contrast of two colours (`#rrggbb`), 1 to 21, as WCAG 2 computes it. */
export function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Black or white, whichever reads better: at least 4.58:1 on any colour. */
export function textOn(background: string): string {
  return contrast(background, WHITE) >= contrast(background, BLACK) ? WHITE : BLACK;
}

/** The colour a step towards its text's opposite, for a button that is pressed: contrast never falls. */
export function pressed(background: string): string {
  const towards = textOn(background) === WHITE ? 0 : 255;
  const mixed = channels(background).map((value) => Math.round(value * 0.85 + towards * 0.15));
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
    const part = value / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function channels(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}
