/** What a folder says of its tokenizer, read. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonAs, readText } from '../../artifacts/index.ts';
import { CHAT_TEMPLATE, CONFIG, type StatedTokenizer } from './tokenizer-config.ts';

const TOKEN_MAP = 'special_tokens_map.json';

/** The files beside a tokenizer.json that are read. */
export const STATEMENTS = [CONFIG, TOKEN_MAP, CHAT_TEMPLATE] as const;

/** What a folder says; undefined where it has none of the files. */
export async function readStated(directory: string): Promise<StatedTokenizer | undefined> {
  const there = STATEMENTS.filter((name) => existsSync(join(directory, name)));
  if (there.length === 0) return undefined;
  const read = async (name: (typeof STATEMENTS)[number]) =>
    there.includes(name) ? readJsonAs(join(directory, name), z.record(z.string(), z.unknown())) : {};
  const template = there.includes(CHAT_TEMPLATE) ? await readText(join(directory, CHAT_TEMPLATE)) : undefined;
  return { config: { ...(await read(TOKEN_MAP)), ...(await read(CONFIG)) }, chatTemplate: template };
}
