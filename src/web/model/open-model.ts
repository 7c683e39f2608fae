/** Reads a model's folder from where the page lies. */

import { camelCaseKeys } from '../../artifacts/key-case.ts';
import { safetensorsIn } from '../../artifacts/safetensors-header.ts';
import type { TokenizerJson } from '../../data/tokenizers/tokenizer.ts';
import type { Engine } from '../../engine/index.ts';
import { autoencoderSchema } from '../../models/autoencoder/config.ts';
import { PatchDecoder } from '../../models/calm/decoding.ts';
import { checkedConfig, readCalmConfig } from '../../models/config.ts';
import { calmOf, transformerOf } from '../../models/of-weights.ts';
import type { PatchModel } from '../../models/patch-model.ts';
import { transformerSchema } from '../../models/transformer/config.ts';
import { TransformerDecoder } from '../../models/transformer/decoding.ts';
import type { ModelFacts } from '../../publish/page-facts.ts';
import { openWebTokenizer, type WebTokenizer } from './web-tokenizer.ts';

export interface OpenedModel {
  readonly model: PatchModel;
  readonly tokenizer: WebTokenizer;
}

/**
 * @param base address of the page
 * @param onBytes told how many bytes of the weights have come
 */
export async function openModel(
  engine: Engine,
  facts: ModelFacts,
  base: string,
  onBytes: (bytes: number) => void,
): Promise<OpenedModel> {
  const at = (name: string) => new URL(`${facts.folder}/${name}`, base).href;
  const [config, json, bytes] = await Promise.all([
    readConfig(at('config.json')),
    readJson<TokenizerJson>(at('tokenizer.json')),
    readBytes(at('model.safetensors'), onBytes),
  ]);
  const tokenizer = openWebTokenizer(json, facts);
  const weights = safetensorsIn(bytes, 'model.safetensors');
  if (facts.kind === 'transformer') {
    const checked = checkedConfig('config.json', transformerSchema, config);
    return { model: new TransformerDecoder(engine, transformerOf(checked, weights)), tokenizer };
  }
  const stated = await readConfig(at('ae_config.json'));
  const autoencoder = checkedConfig('ae_config.json', autoencoderSchema, stated);
  const calm = await calmOf(readCalmConfig('config.json', config), autoencoder, weights);
  return { model: new PatchDecoder(engine, calm), tokenizer };
}

async function readConfig(address: string): Promise<Record<string, unknown>> {
  return camelCaseKeys(await readJson(address));
}

async function readJson<T>(address: string): Promise<T> {
  return (await answerOf(address)).json() as Promise<T>;
}

async function readBytes(
  address: string,
  onBytes: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const { body } = await answerOf(address);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (const reader = (body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    length += value.length;
    onBytes(length);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

async function answerOf(address: string): Promise<Response> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} is not there (${answer.status})`);
  return answer;
}
