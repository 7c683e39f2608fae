/** Texts with whatever a format has to escape; test/fixtures/formats/make.py writes the same. */

export function oddText(i: number): string {
  return `${i}. ${'word '.repeat(i % 150)}ü日🙂 "quoted", x;\t[y] {z}\r\nand a line`;
}

export const oddTexts = (count: number) => Array.from({ length: count }, (_, i) => oddText(i));
