/**
 * Texts that are written at the same time share the engine's calls. Each goes its own way, by its own random
 * numbers, and asks a source of its own; what is asked at the same time is put together, answered by one call
 * and handed out again. Texts come and go as they like.
 * B texts · N candidates · K tokens a patch · H hidden.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { elementAt } from '../elements.ts';
import { readIntegers, type Tensor, type TensorMap, tf } from '../engine/index.ts';
import {
  type Likelihood,
  MOST_ROWS,
  type NextPatch,
  type PatchDraws,
  type PatchModel,
  type Pause,
  roundedRows,
  type SequenceRow,
  type SequenceState,
  SideBySide,
  type TextSource,
} from '../models/index.ts';
import { Desk } from './desk.ts';

/** Turns of the event loop without a question after which those who have not asked are not waited for. */
const PATIENCE = 4;
/** Rounds that patches wait to be fed while other texts still choose theirs. */
const MOST_HELD = 16;
/** Candidates, and numbers of their noise, that are drawn at once: more are no faster. */
const [MOST_CANDIDATES, MOST_NOISE] = [1024, 2 ** 24];

/** Work on the engine, when its turn has come. */
export type TakeTurn = <T>(work: (pause: Pause) => Promise<T>) => Promise<T>;

/** The model for one text. Whoever has it leaves when the text ends. */
export interface JoinedText extends TextSource {
  leave(): void;
}

interface DrawQuestion {
  /** [1, hidden] */
  readonly hidden: Tensor;
  readonly noise: Float32Array;
}

interface DecodeQuestion {
  readonly draws: PatchDraws;
  readonly places: readonly number[];
}

export class TextsAtOnce {
  readonly #model: PatchModel;
  readonly #isCompiling: boolean;
  readonly #takeTurn: TakeTurn;
  readonly #rows: SideBySide;
  readonly #beginnings = new Map<string, Beginning>();
  readonly #feeds = new Desk((asked: readonly NextPatch[]) => this.#rows.feed(asked));
  readonly #draws = new Desk((asked: readonly DrawQuestion[]) => this.#drawAll(asked));
  readonly #decodes = new Desk(decodeAll);
  readonly #distributions = new Desk((asked: readonly Tensor[]) => this.#distributionsOf(asked));
  /** What a patch is chosen by. */
  readonly #choosing = [this.#decodes, this.#draws, this.#distributions];
  /** Texts that are past their prompts. */
  #numTexts = 0;
  #numHeld = 0;
  #isWorking = false;

  /** @param isCompiling whether each number of rows has a graph of its own */
  constructor(model: PatchModel, isCompiling: boolean, takeTurn: TakeTurn) {
    this.#model = model;
    this.#isCompiling = isCompiling;
    this.#takeTurn = takeTurn;
    this.#rows = new SideBySide(model.sequence, isCompiling);
  }

  /** @param signal ends the reading of the prompt */
  join(signal?: AbortSignal): JoinedText {
    const { patchSize, noiseSize, likelihood } = this.#model;
    let row: SequenceRow | undefined;
    const begin = async (ids: Tensor) => {
      const { hidden, state } = await this.#begin(ids, signal);
      row = this.#rows.add(state);
      this.#numTexts++;
      return hidden;
    };
    const goOn = async (own: SequenceRow, ids: Tensor) =>
      this.#ask(this.#feeds, { row: own, ids: await readIntegers(ids) });
    return {
      patchSize,
      noiseSize,
      sequence: {
        // The cache lies among those of the others.
        feed: async (ids) => ({
          hidden: await (row ? goOn(row, ids) : begin(ids)),
          state: { cache: {}, length: (row as SequenceRow).length },
        }),
      },
      draw: (hidden, noise) => this.#ask(this.#draws, { hidden, noise }),
      ...(likelihood ? { likelihood: this.#likelihood() } : {}),
      leave: () => {
        if (!row) return;
        this.#numTexts--;
        this.#rows.remove(row);
        row = undefined;
      },
    };
  }

  #likelihood(): Pick<Likelihood, 'eachDistribution'> {
    return {
      eachDistribution: async (hidden, visit, pause) => {
        await pause?.();
        visit(0, await this.#ask(this.#distributions, hidden));
      },
    };
  }

  /** Reads a prompt; those who come with the same one meanwhile share the work. */
  async #begin(
    ids: Tensor,
    signal: AbortSignal | undefined,
  ): Promise<{ hidden: Tensor; state: SequenceState }> {
    const key = (await readIntegers(ids)).join(' ');
    let beginning = this.#beginnings.get(key);
    if (!beginning) {
      beginning = new Beginning((pause) =>
        this.#takeTurn((turn) => this.#model.sequence.feed(ids, undefined, () => pause(turn))).finally(() =>
          this.#beginnings.delete(key),
        ),
      );
      this.#beginnings.set(key, beginning);
    }
    return beginning.share(signal);
  }

  #ask<Question, Answer>(desk: Desk<Question, Answer>, question: Question): Promise<Answer> {
    const answer = desk.ask(question);
    if (!this.#isWorking) void this.#work();
    return answer;
  }

  /** Answers until there is no question. */
  async #work(): Promise<void> {
    this.#isWorking = true;
    while (this.#numAsked > 0) {
      await this.#gather();
      await this.#takeTurn(() => this.#answerRound()).catch((error: unknown) => {
        for (const desk of [...this.#choosing, this.#feeds]) desk.refuse(error);
      });
    }
    this.#isWorking = false;
  }

  get #numAsked(): number {
    return [...this.#choosing, this.#feeds].reduce((sum, { numAsked }) => sum + numAsked, 0);
  }

  /** Waits until all texts have asked, or no more of them do. */
  async #gather(): Promise<void> {
    for (let quiet = 0, before = 0; quiet < PATIENCE && this.#numAsked < this.#numTexts; quiet++) {
      if (this.#numAsked > before) quiet = 0;
      before = this.#numAsked;
      await nextTurn();
    }
  }

  /** What patches are chosen by comes first, so that texts are fed together. */
  async #answerRound(): Promise<void> {
    const isChoosing = this.#choosing.some(({ numAsked }) => numAsked > 0);
    for (const desk of this.#choosing) await desk.answer();
    this.#numHeld = isChoosing && this.#feeds.numAsked > 0 ? this.#numHeld + 1 : 0;
    if (isChoosing && this.#numHeld <= MOST_HELD) return;
    this.#numHeld = 0;
    await this.#feeds.answer();
  }

  /** Draws of one number of candidates go together. */
  async #drawAll(asked: readonly DrawQuestion[]): Promise<PatchDraws[]> {
    const { noiseSize } = this.#model;
    const answers = new Map<DrawQuestion, PatchDraws>();
    for (const size of new Set(asked.map(({ noise }) => noise.length))) {
      const alike = asked.filter(({ noise }) => noise.length === size);
      const most = Math.floor(Math.min((MOST_CANDIDATES * noiseSize) / size, MOST_NOISE / size, MOST_ROWS));
      for (const part of chunksOf(alike, Math.max(1, most))) {
        const draws = await this.#drawTogether(part);
        part.forEach((question, i) => {
          answers.set(question, elementAt(draws, i));
        });
      }
    }
    return asked.map((question) => answers.get(question) as PatchDraws);
  }

  async #drawTogether(asked: readonly DrawQuestion[]): Promise<PatchDraws[]> {
    const { patchSize, noiseWidth } = this.#model;
    const rows = roundedRows(asked.length, this.#isCompiling);
    const noises = asked.map(({ noise }) => noise);
    const hidden = laidOut(
      asked.map((question) => question.hidden),
      rows,
    );
    try {
      const all = await this.#model.draw(hidden, interleaved(noises, rows, noiseWidth));
      const users = { count: asked.length };
      const decode = (places: readonly number[]) => this.#ask(this.#decodes, { draws: all, places });
      return asked.map((_, row) => new DrawsOfOne(all, { row, rows, patchSize, users, decode }));
    } finally {
      hidden.dispose();
    }
  }

  /** @returns [vocabulary] numbers of each */
  async #distributionsOf(asked: readonly Tensor[]): Promise<Float32Array[]> {
    const likelihood = this.#model.likelihood as Likelihood;
    const found: Float32Array[] = [];
    for (const part of chunksOf(asked, MOST_ROWS)) {
      const hidden = laidOut(part, roundedRows(part.length, this.#isCompiling));
      try {
        await likelihood.eachDistribution(hidden, (row, probabilities) => {
          if (row < part.length) found.push(probabilities);
        });
      } finally {
        hidden.dispose();
      }
    }
    return found;
  }
}

/** Decodes what several texts want of the same draws in one go. @returns the tokens of all draws, for each */
async function decodeAll(asked: readonly DecodeQuestion[]): Promise<Int32Array[]> {
  for (const draws of new Set(asked.map((question) => question.draws)))
    await draws.decode(asked.flatMap((question) => (question.draws === draws ? question.places : [])));
  return asked.map(({ draws }) => draws.tokens);
}

/** Hidden states of some texts, and zeros below them, [rows, hidden]. */
function laidOut(hidden: readonly Tensor[], rows: number): Tensor {
  const [, size] = elementAt(hidden, 0).shape as [number, number];
  const free = rows - hidden.length;
  return tf.tidy(() => tf.concat(free > 0 ? [...hidden, tf.zeros([free, size])] : [...hidden], 0));
}

/** Noise of some texts as that of so many positions: [parts, candidates, rows, width]. */
function interleaved(noises: readonly Float32Array[], rows: number, width: number): Float32Array {
  const [first] = noises;
  if (rows === 1 && first) return first;
  const all = new Float32Array(elementAt(noises, 0).length * rows);
  for (const [row, noise] of noises.entries())
    for (let at = 0; at < noise.length; at += width)
      all.set(noise.subarray(at, at + width), at * rows + row * width);
  return all;
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

interface Share {
  readonly row: number;
  readonly rows: number;
  readonly patchSize: number;
  /** Those who have not given up their share; the last one frees the draws. */
  readonly users: { count: number };
  /** @returns the tokens of all draws */
  readonly decode: (places: readonly number[]) => Promise<Int32Array>;
}

/** One text's draws among those of several. */
class DrawsOfOne implements PatchDraws {
  readonly tokens: Int32Array;
  readonly numPatches: number;
  readonly #all: PatchDraws;
  readonly #share: Share;

  constructor(all: PatchDraws, share: Share) {
    this.#all = all;
    this.#share = share;
    this.numPatches = all.numPatches / share.rows;
    this.tokens = new Int32Array(this.numPatches * share.patchSize).fill(-1);
  }

  async decode(places: Iterable<number>): Promise<void> {
    const wanted = [...places].filter((place) => this.tokens[place] === -1);
    if (wanted.length === 0) return;
    const { row, rows, patchSize } = this.#share;
    const placesInAll = wanted.map((place) => {
      const candidate = Math.floor(place / patchSize);
      return (candidate * rows + row) * patchSize + (place % patchSize);
    });
    const tokens = await this.#share.decode(placesInAll);
    wanted.forEach((place, i) => {
      this.tokens[place] = tokens[placesInAll[i] as number] as number;
    });
  }

  async decodeAll(): Promise<Int32Array> {
    await this.decode(this.tokens.keys());
    return this.tokens;
  }

  dispose(): void {
    if (--this.#share.users.count === 0) this.#all.dispose();
  }
}

/** A prompt that is being read, for all texts that begin with it. */
class Beginning {
  readonly fed: Promise<{ hidden: Tensor; state: SequenceState }>;
  readonly #signals: (AbortSignal | undefined)[] = [];
  #numTaken = 0;

  /** @param read is given what to await between pieces; it throws when no one waits for the prompt any more */
  constructor(read: (pause: (turn: Pause) => Promise<void>) => Promise<Awaited<Beginning['fed']>>) {
    this.fed = read(async (turn) => {
      await turn();
      if (this.#signals.every((signal) => signal?.aborted)) elementAt(this.#signals, 0)?.throwIfAborted();
    });
  }

  /** What was read, as the caller's own. */
  async share(signal: AbortSignal | undefined): Promise<{ hidden: Tensor; state: SequenceState }> {
    this.#signals.push(signal);
    const { hidden, state } = await this.fed;
    // The last one takes what is there, the others what shares its numbers.
    if (++this.#numTaken === this.#signals.length) return { hidden, state };
    const cache: TensorMap = {};
    for (const [name, tensor] of Object.entries(state.cache)) cache[name] = tf.clone(tensor);
    return { hidden: tf.clone(hidden), state: { cache, length: state.length } };
  }
}
