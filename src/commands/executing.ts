/** Does what was planned or asked, shows it as it goes, and hears signals. */

import { createRequire } from 'node:module';
import isInteractive from 'is-interactive';
import type { PrecisionChoice } from '../engine/precision.ts';
import { interrupted } from '../errors.ts';
import {
  askStage,
  type Jobs,
  type Plan,
  type Question,
  type Ranks,
  type Reporter,
  type RunOptions,
  runOneStage,
  runPlan,
  type StageResult,
  serveRun,
} from '../pipeline/index.ts';
import { type Detail, RunReporter } from '../reporting/index.ts';
import { warn } from './base-command.ts';
import { isJob } from './jobs.ts';
import { isLaunched } from './ranks/launching.ts';
import { hearSignals, STOPPING } from './signals.ts';

const packageJson = createRequire(import.meta.url)('calm-lm/package.json') as { version: string };

export interface RunChoice {
  readonly isJson: boolean;
  /** The command that goes on after a signal. */
  readonly command: string;
  readonly engine: string;
  readonly precision: PrecisionChoice;
  /**
   * Whether another engine will do where this one can't be had: it is what a run was made with, not what was
   * asked.
   */
  readonly isEnginePreferred?: boolean;
  readonly detail: Detail;
}

/** Does a plan. The first signal ends the step and saves; the second ends the process. */
export function execute(
  plan: Plan,
  choice: Omit<RunChoice, 'engine' | 'precision'>,
  by: { readonly ranks?: Ranks; readonly jobs?: (report: Reporter) => Jobs } = {},
): Promise<StageResult[]> {
  const { ranks, jobs } = by;
  const whole = { ...ofPlan(plan, choice), isLive: jobs === undefined };
  return whileListening(whole, (options) =>
    runPlan(plan, {
      ...options,
      ...(ranks ? { ranks } : {}),
      ...(jobs ? { jobs: jobs(options.report) } : {}),
    }),
  );
}

/** Carries out one stage for the process that holds the run, and tells it all there is to tell. */
export function executeFor(
  plan: Plan,
  stage: string,
  choice: Omit<RunChoice, 'engine' | 'precision'>,
  report: Reporter,
): Promise<StageResult> {
  return whileListening({ ...ofPlan(plan, choice), isLive: false }, (options) =>
    runOneStage(plan, stage, { ...options, report }),
  );
}

/** Helps the first rank to do a plan. */
export function serve(
  plan: Plan,
  choice: Omit<RunChoice, 'engine' | 'precision'>,
  ranks: Ranks,
): Promise<void> {
  return whileListening(ofPlan(plan, choice), (options) => serveRun(plan, { ...options, ranks }));
}

function ofPlan({ config: { engine, precision } }: Plan, choice: Omit<RunChoice, 'engine' | 'precision'>) {
  return { ...choice, engine, precision, isTextShown: false };
}

/** Asks a stage about a run, and returns what it found. */
export function ask(question: Question, choice: RunChoice): Promise<StageResult> {
  const whole = { ...choice, isTextShown: !choice.isJson };
  return whileListening(whole, (options) => askStage(question, options));
}

async function whileListening<T>(
  choice: RunChoice & { readonly isTextShown: boolean; readonly isLive?: boolean },
  work: (options: RunOptions) => Promise<T>,
): Promise<T> {
  const { isJson, command, detail, isTextShown, isLive = true } = choice;
  const controller = new AbortController();
  const endHearing = hearSignals(
    (number) => {
      // Of ranks that a process has started, that process says it.
      if (!isLaunched() && !isJob()) process.stderr.write(STOPPING);
      controller.abort(interrupted(command, number));
    },
    (number) => process.exit(128 + number),
  );
  const reporter = new RunReporter({
    isLive: isLive && isInteractive({ stream: process.stderr }) && !isJson,
    isTextShown,
    detail,
  });
  try {
    const loadEngine = memoise(() => startEngine(choice));
    return await work({
      report: reporter.report,
      signal: controller.signal,
      loadEngine,
      version: packageJson.version,
    });
  } finally {
    reporter.end();
    endHearing();
  }
}

/** Loads the tensor library only when a stage asks, and says which engine it is. */
async function startEngine({ engine: choice, precision, isEnginePreferred, detail }: RunChoice) {
  const { startEngine: start } = await import('../library/engine.ts');
  const isPreference = isEnginePreferred ?? false;
  const engine = await start({ name: choice, precision, isPreference }, warn);
  const isNew = choice !== engine.name || precision === 'auto';
  const name = engine.precision === 'f32' ? engine.name : `${engine.name}, ${engine.precision}`;
  if (isNew && detail !== 'quiet' && !isJob()) process.stderr.write(`  engine: ${name}\n`);
  return engine;
}

function memoise<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
