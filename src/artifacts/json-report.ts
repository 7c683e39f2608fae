/** Results that are one JSON document: an evaluation, a set of samples. */

import { join } from 'node:path';
import { z } from 'zod';
import { readIndex, writeJson } from './files.ts';

const FORMAT_VERSION = 1;
const anyRecord = z.looseObject({ formatVersion: z.number() });

/** Makes an artifact kind whose folder holds `<name>.json`. */
export function jsonReport<T extends object>(name: string) {
  const fileIn = (directory: string) => join(directory, `${name}.json`);
  return Object.freeze({
    name,
    formatVersion: FORMAT_VERSION,
    open: async (directory: string) =>
      (await readIndex(fileIn(directory), name, FORMAT_VERSION, anyRecord)) as unknown as T & {
        formatVersion: number;
      },
    create: async (directory: string) => ({
      write: (value: T) => writeJson(fileIn(directory), { formatVersion: FORMAT_VERSION, ...value }),
    }),
    discard: () => ({ write: async (_: T) => {} }),
  });
}
