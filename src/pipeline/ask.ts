/**
 * Asks a stage about what a run has: `calm sample`, `calm eval …`, `calm export`. The stage gets the run's
 * artifacts
 * and its answer is returned; the run folder stays as it is.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ALONE } from '../cluster/index.ts';
import { noTemporaryFolder } from '../errors.ts';
import { locate } from '../hub/index.ts';
import type {
  AnyStage,
  ArtifactKind,
  CheckpointChoice,
  OptionalPort,
  StageContext,
  TypedPrompt,
} from '../plugin/index.ts';
import type { ChosenInputs } from '../runs/index.ts';
import { fingerprint } from './fingerprint.ts';
import { kindOf } from './graph.ts';
import { resultFields } from './plan.ts';
import { type RunOptions, type StageResult, shownError } from './runner.ts';
import { closing, OpenedPorts, pauseFor, type Results, reportAside } from './stage-work.ts';

export interface Question {
  readonly stage: AnyStage;
  /** Hash of a third-party stage's code. */
  readonly code?: string | undefined;
  /** Checked, defaults filled in. */
  readonly config: Record<string, unknown>;
  readonly seed: number;
  readonly inputs: ChosenInputs;
  /** Of the input that is made last: what its stage has saved, instead of its result. */
  readonly checkpoint?: CheckpointChoice | undefined;
  /** Where its outputs go, a folder a port; they are thrown away where absent. */
  readonly outputFolder?: string | undefined;
  /** The run's folder, for answers that can be resumed; none for a model folder. */
  readonly folder?: string | undefined;
  /** What a person types; they end where the signal is aborted. */
  readonly prompts?: ((signal: AbortSignal) => AsyncIterable<TypedPrompt>) | undefined;
}

export async function askStage(question: Question, options: RunOptions): Promise<StageResult> {
  const { stage, config, seed, code, prompts } = question;
  const results: Results = { summary: {}, headline: {} };
  const started = performance.now();
  await stage.check?.(config, {}, (path: string) => locate(process.cwd(), path));
  const inputs = await openChosen(question);
  const place = await answerPlace(question);
  try {
    await closing(inputs, async () => {
      const outputs = await openWriters(question, place);
      const context = {
        config,
        inputs: inputs.ports,
        outputs: outputs.ports,
        engine: options.loadEngine,
        seed,
        report: reportAside(stage.name, options.report, results),
        ...(prompts ? { prompts: prompts(options.signal) } : {}),
        signal: options.signal,
        pause: pauseFor(options.signal),
        checkpoints: place.checkpoints,
        resolvePath: (path: string) => locate(process.cwd(), path),
        cluster: ALONE,
      };
      await closing(outputs, () => stage.run(context as unknown as StageContext<never, never, never>));
    });
    await place.forget();
  } catch (error) {
    const shown = shownError(error, { stage, code }, place.checkpoints, options.signal);
    options.report({ type: 'stage-failed', stage: stage.name, error: shown });
    throw shown;
  } finally {
    place.leave();
  }
  const seconds = (performance.now() - started) / 1000;
  return { name: stage.name, state: 'done', seconds, metrics: results.summary };
}

/** Writers that keep nothing, or that write where the answer goes. */
async function openWriters({ stage, outputFolder }: Question, place: AnswerPlace): Promise<OpenedPorts> {
  const opened = new OpenedPorts();
  for (const [port, kind] of Object.entries(stage.outputs as Record<string, ArtifactKind>))
    await opened.open(port, async () => {
      const discarded = outputFolder === undefined ? kind.discard?.() : undefined;
      return discarded ?? kind.create(await place.outputFolder(port));
    });
  return opened;
}

async function openChosen({ stage, inputs, checkpoint }: Question): Promise<OpenedPorts> {
  const opened = new OpenedPorts();
  const kindAt = (port: string) => kindOf(stage.inputs[port] as ArtifactKind | OptionalPort);
  const models = Object.keys(inputs).filter((port) => kindAt(port).openCheckpoint);
  const orderOf = (port: string) => inputs[port]?.order ?? 0;
  const [last] = models.sort((a, b) => orderOf(b) - orderOf(a));
  for (const [port, { directory }] of Object.entries(inputs)) {
    const kind = kindAt(port);
    await opened.open(port, async () =>
      checkpoint !== undefined && port === last && kind.openCheckpoint
        ? kind.openCheckpoint(join(directory, '..', 'checkpoints'), checkpoint)
        : kind.open(directory),
    );
  }
  return opened;
}

/** Where an answer works: temporary, or in the run folder where it can be resumed. */
interface AnswerPlace {
  readonly checkpoints: string;
  outputFolder(port: string): Promise<string>;
  /** The answer is there: nothing is to be resumed. */
  forget(): Promise<void>;
  /** Removes what is temporary. */
  leave(): void;
}

async function answerPlace(question: Question): Promise<AnswerPlace> {
  const { stage, config, seed, inputs, folder, outputFolder } = question;
  let temporary: string | undefined;
  const makeTemporary = () => {
    temporary ??= temporaryFolder();
    return temporary;
  };
  const origin = Object.values(inputs).map(({ directory }) => directory);
  const print = fingerprint({ config: resultFields(stage, config), seed, origin }).slice(0, 8);
  const kept =
    folder && stage.resumesAnswers ? join(folder, '.work', `ask~${stage.name}~${print}`) : undefined;
  const isKept = kept !== undefined && (await canWrite(kept));
  return {
    checkpoints: isKept
      ? kept
      : stage.resumesAnswers
        ? makeTemporary()
        : join(tmpdir(), 'calm-no-checkpoints'),
    outputFolder: async (port) => {
      const directory = join(outputFolder ?? makeTemporary(), port);
      await mkdir(directory, { recursive: true });
      return directory;
    },
    forget: async () => {
      if (isKept) await rm(kept, { recursive: true, force: true });
    },
    leave: () => {
      if (temporary) rmSync(temporary, { recursive: true, force: true });
    },
  };
}

async function canWrite(directory: string): Promise<boolean> {
  return mkdir(directory, { recursive: true }).then(
    () => true,
    () => false,
  );
}

/** A new folder for what is thrown away. */
export function temporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'calm-'));
  } catch (error) {
    throw noTemporaryFolder(tmpdir(), error);
  }
}
