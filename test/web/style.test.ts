/** Colours of the page against what WCAG 2.2 asks for, in the light and in the dark. */

import { readFileSync } from 'node:fs';
import test from 'ava';

const CSS = readFileSync(new URL('../../src/web/style/page.css', import.meta.url), 'utf8');

/** The colours of both schemes; the dark one changes those of the light one. */
const [light, changed] = [...CSS.matchAll(/:root \{(.*?)\}/gs)].map(([, body]) =>
  Object.fromEntries([...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, hex]) => [name, hex])),
);
const SCHEMES = { light, dark: { ...light, ...changed } };

const TEXT = 4.5;
const GRAPHICS = 3;
const PAIRS: readonly (readonly [front: string, back: string, least: number])[] = [
  ...['paper', 'raised', 'tint', 'tint-2'].flatMap((back) => [
    ['ink', back, TEXT] as const,
    ['quiet', back, TEXT] as const,
  ]),
  ['accent', 'paper', TEXT],
  ['accent', 'raised', TEXT],
  ['on-accent', 'accent', TEXT],
  ['warn', 'raised', GRAPHICS],
  ['good', 'paper', GRAPHICS],
  ['mute-bar', 'paper', GRAPHICS],
  ['mute-bar', 'raised', GRAPHICS],
  ...[0, 1, 2, 3, 4].map((group) => [`group-${group}`, 'raised', GRAPHICS] as const),
];

for (const [scheme, colors] of Object.entries(SCHEMES))
  test(`${scheme}: what is to be read or told apart has contrast enough`, (t) => {
    for (const [front, back, least] of PAIRS) {
      const found = contrast(colors[front], colors[back]);
      t.true(found >= least, `${front} on ${back}: ${found.toFixed(2)}`);
    }
  });

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((one, other) => one - other);
  return (high + 0.05) / (low + 0.05);
}

function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
