/** The measure `tasks`: questions that a model answers by writing, or by choosing one of several endings. */

import { basename } from 'node:path';
import {
  alignPrompt,
  type ChatMessage,
  chatIds,
  evenlySpread,
  promptIds,
  type Tokenizer,
} from 'calm-lm/data';
import { noTasks, taskPattern, taskTooFewExamples } from 'calm-lm/errors';
import {
  answerIn,
  bootstrapInterval,
  type ChoiceQuestion,
  eachAtOnce,
  majorityOf,
  normalized,
  passAtK,
  type Question,
  type QuestionFile,
  readQuestions,
  scoreChoices,
  type WrittenQuestion,
} from 'calm-lm/evaluation';
import type { MeasureContext } from 'calm-lm/evaluation/measures';
import { permutedIndex, RandomStream, streamKey } from 'calm-lm/random';
import { GrowingText, generate, type TakeTurn, TextsAtOnce } from 'calm-lm/sampling';
import type { ChoiceReport, TaskReport, TaskShares, WrittenReport } from '../evaluation.ts';
import type { Task } from '../tasks-field.ts';

type Context = MeasureContext<{ readonly tasks?: readonly Task[] | undefined }>;

/** Answers that are written at once. */
const ROWS = 32;

/** One report a task; every answer is kept beside the results. */
export async function measureTasks(context: Context): Promise<{
  tasks: TaskReport[];
  answered: TaskShares;
}> {
  const { options, resolvePath } = context;
  if (!options.tasks) throw noTasks();
  const files = options.tasks.map((task) => openTask(task, resolvePath));
  const tokenizer = await context.tokenizer();
  const tasks: TaskReport[] = [];
  const kept: object[] = [];
  for (const file of files) {
    const asking = new Asking(context, tokenizer, file);
    tasks.push(await asking.report());
    kept.push(...asking.answers);
  }
  await context.keep('answers', kept);
  return { tasks, answered: sharesOf(tasks) };
}

const SHARES = ['exactMatch', 'accuracy', 'accuracyByByte', 'chance'] as const;

/** The values of one task; of several their means. */
function sharesOf(tasks: readonly TaskReport[]): TaskShares {
  const [only, another] = tasks;
  const means = SHARES.flatMap((key) => {
    const found = tasks.flatMap((task) => task[key] ?? []);
    return found.length > 0 ? [[key, mean(found)]] : [];
  });
  return { ...Object.fromEntries(means), ...(only?.interval && !another ? { interval: only.interval } : {}) };
}

interface OpenedTask {
  readonly task: Task;
  readonly name: string;
  readonly file: QuestionFile;
  /** Questions with their numbers in the file, counted from 1. */
  readonly chosen: readonly { readonly number: number; readonly question: Question }[];
  readonly examples: readonly Question[];
}

/** Reads a task's files and refuses what can't be asked. */
export function openTask(task: Task, resolvePath: (path: string) => string): OpenedTask {
  const path = resolvePath(task.file);
  const file = readQuestions(path);
  const { questions } = file;
  if (task.pattern !== undefined) checkPattern(task.pattern);
  const chosen = evenlySpread(questions.length, task.limit ?? questions.length).map((i) => ({
    number: i + 1,
    question: questions[i] as Question,
  }));
  const from = task.shotsFrom === undefined ? path : resolvePath(task.shotsFrom);
  const examples = task.shots === 0 ? [] : from === path ? questions : readQuestions(from).questions;
  const needed = task.shots + (from === path ? 1 : 0);
  if (task.shots > 0 && examples.length < needed) throw taskTooFewExamples(from, needed, examples.length);
  return { task, name: task.name ?? basename(path).replace(/\.jsonl?$/, ''), file, chosen, examples };
}

function checkPattern(pattern: string): void {
  try {
    new RegExp(pattern, 'u');
  } catch (error) {
    throw taskPattern(pattern, (error as Error).message);
  }
}

/** A question with the ids that a model reads. */
interface Prompted<Kind extends Question> {
  readonly number: number;
  readonly question: Kind;
  readonly ids: Int32Array;
}

/** One task, asked. */
class Asking {
  /** A line for each question. */
  readonly answers: object[] = [];
  readonly #context: Context;
  readonly #tokenizer: Tokenizer;
  readonly #opened: OpenedTask;
  readonly #seed: number;

  constructor(context: Context, tokenizer: Tokenizer, opened: OpenedTask) {
    this.#context = context;
    this.#tokenizer = tokenizer;
    this.#opened = opened;
    this.#seed = opened.task.seed ?? context.seed;
  }

  async report(): Promise<TaskReport> {
    const { name, task } = this.#opened;
    const prompted: Prompted<Question>[] = [];
    for (const { number, question } of this.#opened.chosen)
      prompted.push({ number, question, ids: await this.#prompt(question) });
    this.#warnOfLength(prompted);
    const of = <Kind extends Question>(kind: Kind['kind']) =>
      prompted.filter(({ question }) => question.kind === kind) as unknown as Prompted<Kind>[];
    const [written, choices] = [of<WrittenQuestion>('written'), of<ChoiceQuestion>('choice')];
    const { interval: ofWritten, ...byWriting } = written.length > 0 ? await this.#write(written) : {};
    const { interval: ofChoices, ...byChoosing } = choices.length > 0 ? await this.#choose(choices) : {};
    return {
      task: name,
      ...byWriting,
      ...byChoosing,
      questions: prompted.length,
      shots: task.shots,
      interval: { ...ofWritten, ...ofChoices },
    };
  }

  /** The ids of examples and question, filled up to whole patches. */
  async #prompt(question: Question): Promise<Int32Array> {
    const { model } = this.#context;
    const examples = this.#examplesFor(question);
    const { chat, separator } = this.#opened.task;
    const isMessages = chat || [question, ...examples].some(({ prompt }) => typeof prompt !== 'string');
    const ids = isMessages
      ? await chatIds(this.#tokenizer, [...examples.flatMap(asTurns), ...messagesOf(question)])
      : await promptIds(
          this.#tokenizer,
          [...examples.map((one) => `${one.prompt}${completionOf(one)}`), question.prompt].join(separator),
        );
    return alignPrompt(ids, model.patchSize, this.#tokenizer.endOfTextId);
  }

  /** The same ones for every question, but for itself. */
  #examplesFor(question: Question): readonly Question[] {
    const { examples, name, task } = this.#opened;
    if (task.shots === 0) return [];
    const key = streamKey(this.#seed, 'tasks', name, 'examples');
    const drawn = Array.from(
      { length: Math.min(examples.length, task.shots + 1) },
      (_, i) => examples[permutedIndex(i, examples.length, key)] as Question,
    );
    return drawn.filter((one) => one !== question).slice(0, task.shots);
  }

  #warnOfLength(prompted: readonly Prompted<Question>[]): void {
    const { model, report } = this.#context;
    const { maxPositionEmbeddings: trained } = model.config;
    const longest = Math.max(...prompted.map(({ ids }) => ids.length)) / model.patchSize;
    if (trained !== undefined && longest > trained)
      report.warn(
        `prompts of the task ${this.#opened.name} have up to ${longest} patches, and the model was trained on ` +
          `sequences of ${trained}: it has not learnt to use more`,
      );
  }

  /** All samples of all questions; each is what it would be alone. */
  async #write(prompted: readonly Prompted<WrittenQuestion>[]): Promise<WrittenReport> {
    const { task, file, name } = this.#opened;
    const { pause, model, engine, report } = this.#context;
    const texts: string[][] = prompted.map(() => []);
    const asked = prompted.flatMap((one, i) =>
      Array.from({ length: task.numSamples }, (_, sample) => ({ one, i, sample })),
    );
    const atOnce = new TextsAtOnce(model, engine.isCompiling, byTurns(pause));
    let numWritten = 0;
    await eachAtOnce(asked, ROWS, async ({ one, i, sample }) => {
      (texts[i] as string[])[sample] = await this.#text(atOnce, one, sample);
      report.progress({ step: ++numWritten, steps: asked.length, what: `answers of ${name}` });
    });
    const { pattern = file.defaults.pattern, normalize = file.defaults.normalize } = task;
    const alike = (answer: string) => normalized(answer, normalize);
    const results = prompted.map(({ number, question }, i) => {
      const samples = texts[i] as string[];
      const right = new Set(question.answers.map(alike));
      const answers = samples.map((text) => {
        const answer = answerIn(text, pattern);
        return answer === undefined ? undefined : alike(answer);
      });
      const isRight = answers.map((answer) => answer !== undefined && right.has(answer));
      const most = majorityOf(answers);
      this.#keep(number, question, { right: question.answers, samples, answers, isRight });
      return {
        numRight: isRight.filter(Boolean).length,
        isMajorityRight: most !== undefined && right.has(most),
      };
    });
    const { numSamples } = task;
    const share = (units: Readonly<typeof results>) =>
      mean(units.map(({ numRight }) => numRight / numSamples));
    const interval = await bootstrapInterval(results, share, this.#seed, { pause });
    const ks = task.passAt?.filter((k) => k <= numSamples) ?? [1, numSamples];
    return {
      exactMatch: share(results),
      interval: { exactMatch: interval },
      ...(numSamples > 1
        ? {
            majority: mean(results.map(({ isMajorityRight }) => Number(isMajorityRight))),
            passAt: Object.fromEntries(
              ks.map((k) => [k, mean(results.map(({ numRight }) => passAtK(numSamples, numRight, k)))]),
            ),
          }
        : {}),
      samples: numSamples,
      temperature: task.temperature,
    };
  }

  /** One text behind a prompt. */
  async #text(atOnce: TextsAtOnce, { ids, number }: Prompted<Question>, sample: number): Promise<string> {
    const { model, pause, signal } = this.#context;
    const { task, name, file } = this.#opened;
    const { padId, endOfTextId } = this.#tokenizer;
    const { maxTokens = file.defaults.maxTokens, stop = file.defaults.stop } = task;
    const text = new GrowingText(this.#tokenizer, { maxTokens, stop });
    const settings = {
      temperature: task.temperature,
      ...(model.likelihood ? {} : { numCandidates: task.numCandidates }),
      maxLength: ids.length + maxTokens,
      padId,
      endOfTextId,
      pause,
    };
    const stream = (...purpose: (string | number)[]) =>
      new RandomStream(this.#seed, 'tasks', name, number, sample, ...purpose);
    const draws = {
      noise: (step: number, size: number, block: number) =>
        model.drawNoise(stream(step, 'noise', block), size),
      choice: (step: number, _: number, index: number) => stream(step, 'choice', index).nextUniform(),
    };
    const source = atOnce.join(signal);
    try {
      for await (const { patch } of generate(source, [ids], settings, draws)) {
        await text.add(patch);
        if (text.end !== undefined) break;
      }
    } finally {
      source.leave();
    }
    await text.finish();
    return text.text;
  }

  /** Each question's endings, scored together. */
  async #choose(prompted: readonly Prompted<ChoiceQuestion>[]): Promise<ChoiceReport> {
    const { model, pause, report } = this.#context;
    const { task, name } = this.#opened;
    const results: { isRight: boolean; isRightByByte: boolean }[] = [];
    for (const [i, { number, question, ids }] of prompted.entries()) {
      report.progress({ step: i, steps: prompted.length, what: `choices of ${name}` });
      const endings = await Promise.all(
        question.choices.map(async (text) => Array.from(await this.#tokenizer.encode(text))),
      );
      const stream = new RandomStream(this.#seed, 'tasks', name, 'choices', number);
      const scored = await scoreChoices(model, ids, endings, { numDraws: task.choiceSamples, stream, pause });
      const logs = scored.map(({ logProbability }) => logProbability);
      const byByte = logs.map((log, choice) => log / Buffer.byteLength(question.choices[choice] as string));
      const [chosen, chosenByByte] = [largest(logs), largest(byByte)];
      const [isRight, isRightByByte] = [chosen === question.right, chosenByByte === question.right];
      results.push({ isRight, isRightByByte });
      this.#keep(number, question, {
        choices: question.choices,
        right: question.right,
        chosen,
        chosenByByte,
        scored,
      });
      await pause();
    }
    const shareOf = (key: 'isRight' | 'isRightByByte') => (units: Readonly<typeof results>) =>
      mean(units.map((unit) => Number(unit[key])));
    const intervalOf = (key: 'isRight' | 'isRightByByte') =>
      bootstrapInterval(results, shareOf(key), this.#seed, { pause });
    const [interval, byByte] = [await intervalOf('isRight'), await intervalOf('isRightByByte')];
    return {
      accuracy: shareOf('isRight')(results),
      accuracyByByte: shareOf('isRightByByte')(results),
      interval: { accuracy: interval, accuracyByByte: byByte },
      chance: mean(prompted.map(({ question }) => 1 / question.choices.length)),
      ...(model.likelihood ? {} : { choiceSamples: task.choiceSamples }),
    };
  }

  #keep(number: number, { prompt }: Question, found: object): void {
    this.answers.push({ task: this.#opened.name, question: number, prompt, ...found });
  }
}

/** One piece of work after the other. */
function byTurns(pause: () => Promise<void>): TakeTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(() => work(pause));
    last = turn.catch(() => {});
    return turn;
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const largest = (values: readonly number[]) => values.indexOf(Math.max(...values));

const completionOf = (question: Question) =>
  question.kind === 'written' ? question.completion : (question.choices[question.right] as string);

function messagesOf({ prompt }: Question): readonly ChatMessage[] {
  return typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
}

function asTurns(question: Question): readonly ChatMessage[] {
  return [...messagesOf(question), { role: 'assistant', content: completionOf(question) }];
}
