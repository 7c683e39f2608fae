/** A loaded model that writes, and remembers of its last text what was drawn where. Runs in a worker. */

import { alignPrompt } from '../../data/align-prompt.ts';
import { promptIds } from '../../data/tokenizers/tokenizer.ts';
import type { Engine } from '../../engine/index.ts';
import { disposeTree, floatTensor, readFloats } from '../../engine/index.ts';
import { PatchCodec } from '../../models/autoencoder/patch-codec.ts';
import type { LatentDraws } from '../../models/patch-model.ts';
import { DEFAULT_DRAW_BUDGET } from '../../sampling/choosing.ts';
import { type GenerateDraws, generate } from '../../sampling/generate.ts';
import { GrowingText } from '../../sampling/growing-text.ts';
import { namedDraws } from '../../sampling/named-draws.ts';
import type { OpenedModel } from './open-model.ts';
import type {
  Distribution,
  DrawnPatch,
  Draws,
  GenerateRequest,
  PatchEvent,
  TextVectors,
  Written,
} from './protocol.ts';

export class ModelSession {
  readonly #engine: Engine;
  readonly #opened: OpenedModel;
  /** The hidden state before each patch of the last text. */
  #hidden: Float32Array[] = [];
  #draws: GenerateDraws | undefined;

  constructor(engine: Engine, opened: OpenedModel) {
    this.#engine = engine;
    this.#opened = opened;
  }

  get patchSize(): number {
    return this.#opened.model.patchSize;
  }

  /** Writes a text: the same as `calm sample --engine wasm` with these weights. */
  async generate(
    { prompt, seed, temperature, maxTokens, sampler, numCandidates }: GenerateRequest,
    onPatch: (patch: PatchEvent) => void,
    pause: () => Promise<void>,
  ): Promise<Written> {
    const { model, tokenizer } = this.#opened;
    const began = performance.now();
    const seconds = () => (performance.now() - began) / 1000;
    const ids = await promptIds(tokenizer, prompt);
    const start = alignPrompt(ids, model.patchSize, tokenizer.endOfTextId);
    const draws = namedDraws(model, seed, 0);
    this.#draws = draws;
    this.#hidden = [];
    const choice = model.likelihood ? {} : { sampler, numCandidates, drawBudget: DEFAULT_DRAW_BUDGET };
    const { padId, endOfTextId } = tokenizer;
    const settings = {
      temperature,
      ...choice,
      maxLength: start.length + maxTokens,
      padId,
      endOfTextId,
      pause,
    };
    const text = new GrowingText(tokenizer, { maxTokens });
    let isStopped = false;
    try {
      for await (const made of generate(model, [start], settings, draws)) {
        const step = this.#hidden.push(made.hidden) - 1;
        const piece = await text.add(made.patch);
        const [patch, isFallback = false] = [[...made.patch], made.fallbacks[0]];
        onPatch({ step, ids: patch, text: piece, draws: made.draws[0] ?? 0, isFallback });
        if (text.end !== undefined) break;
        await pause();
      }
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      isStopped = true;
    }
    await text.finish();
    const { numTokens, end = 'length' } = text;
    return { text: text.text, numTokens, end: isStopped ? 'stopped' : end, seconds: seconds() };
  }

  /** What was drawn before a patch of the last text: the same draws, all of them decoded. */
  async draws(step: number, numDraws: number): Promise<Draws> {
    const { model, tokenizer } = this.#opened;
    const { latents } = model;
    if (!latents) throw new Error('this model draws no patches');
    const [hidden, draws] = this.#at(step);
    const noise = draws.noise(step, numDraws * model.noiseSize, 0);
    const state = floatTensor(hidden.slice(), [1, hidden.length]);
    const vectors = await latents.draw(state, noise);
    const drawn = await model.draw(state, noise);
    const tokens = await drawn.decodeAll();
    const values = await readFloats(vectors);
    drawn.dispose();
    disposeTree({ state, vectors });
    const { patches, patchOfDraw } = countPatches(tokens, model.patchSize);
    const told: DrawnPatch[] = [];
    for (const { ids, count } of patches) told.push({ ids, count, text: await tokenizer.decode(ids, true) });
    return { patches: told, numDraws, uniform: draws.choice(step, 0, 0), patchOfDraw, latents: values };
  }

  /** The probabilities before a token of the last text, with the texts of the likeliest tokens. */
  async distribution(step: number, count: number): Promise<Distribution> {
    const { model, tokenizer } = this.#opened;
    if (!model.likelihood) throw new Error('this model has no probabilities');
    const [hidden] = this.#at(step);
    const state = floatTensor(hidden.slice(), [1, hidden.length]);
    let probabilities = new Float32Array();
    await model.likelihood.eachDistribution(state, (_, found) => {
      probabilities = found.slice();
    });
    disposeTree({ state });
    const ordered = [...probabilities.keys()].sort(
      (a, b) => (probabilities[b] as number) - (probabilities[a] as number),
    );
    const texts = [];
    for (const id of ordered.slice(0, count)) texts.push(await tokenizer.decode([id], true));
    return { texts, probabilities: Float32Array.from(ordered, (id) => probabilities[id] as number) };
  }

  /** The vectors that the autoencoder makes of a text's patches. */
  async vectors(text: string): Promise<TextVectors> {
    const { model, tokenizer } = this.#opened;
    const { autoencoder } = model.latents as LatentDraws;
    const ids = Array.from(await tokenizer.encodeAsText(text));
    const { patchSize } = model;
    const whole = ids.slice(0, Math.floor(ids.length / patchSize) * patchSize);
    const { mean } = await new PatchCodec(this.#engine, autoencoder).encode(Int32Array.from(whole));
    const texts = [];
    for (let at = 0; at < whole.length; at += patchSize)
      texts.push(await tokenizer.decode(whole.slice(at, at + patchSize), true));
    return { texts, latents: mean };
  }

  #at(step: number): [hidden: Float32Array, draws: GenerateDraws] {
    const hidden = this.#hidden[step];
    if (!hidden || !this.#draws) throw new Error('this text is no longer the last one');
    return [hidden, this.#draws];
  }
}

/** The reader wants no more of a text. */
export class Stopped extends Error {}

function countPatches(tokens: Int32Array, patchSize: number) {
  const places = new Map<string, number>();
  const patches: { ids: number[]; count: number }[] = [];
  const patchOfDraw = new Int32Array(tokens.length / patchSize);
  for (let draw = 0; draw < patchOfDraw.length; draw++) {
    const ids = [...tokens.subarray(draw * patchSize, (draw + 1) * patchSize)];
    const key = ids.join(' ');
    const place = places.get(key) ?? patches.push({ ids, count: 0 }) - 1;
    places.set(key, place);
    (patches[place] as { count: number }).count++;
    patchOfDraw[draw] = place;
  }
  return { patches, patchOfDraw };
}
