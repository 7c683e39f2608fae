/**
 * Turns a run's events into what people see: one live line a stage in a terminal (ora), plain lines
 * elsewhere. Text that a stage makes goes to stdout, the rest to stderr.
 */

import { relative } from 'node:path';
import type { Ora } from 'ora';
import { isInterruption, type PipelineEvent, type StageProgress } from '../pipeline/index.ts';
import type { LoggedSample } from '../runs/index.ts';
import { formatCount, formatNumber, formatSeconds } from './format.ts';
import { fitLine, startLiveLine } from './live-line.ts';
import { drawLossCurve } from './loss-curve.ts';
import { clean } from './report/escape.ts';
import { columnsOf, wrap } from './terminal/width.ts';

/** `quiet`: nothing but errors, which are not the reporter's. `verbose`: reasons and curves too. */
export type Detail = 'quiet' | 'normal' | 'verbose';

export interface ReporterOptions {
  /** A live line instead of lines; stderr must be a terminal. */
  readonly isLive: boolean;
  /** Whether the text that stages make is shown while it is made. */
  readonly isTextShown: boolean;
  readonly detail: Detail;
}

/** Plain lines about progress come at most this often. */
const PLAIN_INTERVAL_MS = 10_000;
/** Rates are averaged over about this many steps. */
const RATE_STEPS = 20;
/** What every stage of a first run would say. */
const FIRST_TIME = 'has not been run';

export class RunReporter {
  readonly #options: ReporterOptions;
  #spinner: Ora | undefined;
  #lastLine = 0;
  #rate = 0;
  #stageSteps = 0;
  /** What the stage at work does, where it is several things. */
  #what: string | undefined;
  /** Whether text is being shown, which a live line would run into. */
  #isWriting = false;
  /** Stages with nothing to do that have not been named yet. */
  #upToDate: string[] = [];
  /** Where and when the present stretch of steps began; the time left is estimated from it. */
  #first: { step: number; at: number } | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  readonly report = (event: PipelineEvent): void => {
    if (event.type === 'text') this.#text(event.text);
    else if (this.#options.detail === 'quiet') return;
    else if (event.type === 'stage-started') this.#start(event.stage, event.reasons);
    else if (event.type === 'stage-skipped') this.#skip(event);
    else if (event.type === 'progress') this.#progress(event.stage, event.progress);
    else if (event.type === 'run-note') this.#line('  ', event.text);
    else if (event.type === 'note') this.#line('  ', `${event.stage}: ${event.text}`);
    else if (event.type === 'warning') this.#line('⚠ ', event.text);
    else if (event.type === 'warn') this.#line('⚠ ', `${event.stage}: ${event.text}`);
    else if (event.type === 'written') this.#sample(event.stage, event.sample);
    else if (event.type === 'stage-finished') this.#finish(event.stage, event.seconds, event.metricsFile);
    else if (event.type === 'stage-failed') this.#fail(event.stage, event.error);
  };

  #start(stage: string, reasons: readonly string[]): void {
    this.#nameUpToDate();
    const why = reasons.filter((reason) => reason !== FIRST_TIME || this.#options.detail === 'verbose');
    // The live line names the stage already.
    if (why.length > 0 || !this.#options.isLive)
      this.#line('▶ ', `${stage}${why.length ? ` (${why.join('; ')})` : ''}`);
    this.#lastLine = performance.now();
    this.#rate = 0;
    this.#stageSteps = 0;
    this.#what = undefined;
    if (this.#options.isLive) this.#spinner = startLiveLine(stage);
  }

  /** Where nothing at all is to be done, the end of the run says so. */
  #skip({ stage, from, isKept, engine }: PipelineEvent & { type: 'stage-skipped' }): void {
    const by = engine ? ` (made by ${engine})` : '';
    if (isKept) this.#line('✔ ', `${stage}: kept from before, taken up again${by}`);
    else if (from) this.#line('✔ ', `${stage}: taken from ${relative(process.cwd(), from)}${by}`);
    else this.#upToDate.push(`${stage}${by}`);
  }

  #nameUpToDate(): void {
    if (this.#upToDate.length > 0) this.#line('✔ ', `up to date: ${this.#upToDate.join(', ')}`);
    this.#upToDate = [];
  }

  #progress(stage: string, progress: StageProgress): void {
    const isNew = progress.what !== undefined && progress.what !== this.#what;
    if (isNew) {
      this.#what = progress.what;
      this.#first = undefined;
    }
    const line = `${stage}: ${this.#describe(progress)}`;
    // A stage that is only asked has no beginning of its own.
    if (this.#options.isLive && !this.#isWriting) this.#spinner ??= startLiveLine(stage);
    if (this.#spinner) this.#spinner.text = line;
    else if (isNew) this.#line('  ', `${stage}: ${progress.what}`);
    else if (performance.now() - this.#lastLine > PLAIN_INTERVAL_MS) {
      this.#lastLine = performance.now();
      this.#line('  ', line);
    }
  }

  /** "step 120 / 400 · loss 1.234 · 15.2k tokens/s · 0:42 left" */
  #describe({ step, steps, values = {}, tokensPerSecond }: StageProgress): string {
    const now = performance.now();
    const place = step === 0 && this.#what ? '' : `${step}${steps ? ` / ${steps}` : ''}`;
    const parts = [
      [this.#what, place].filter(Boolean).join(' '),
      ...Object.entries(values).map(([name, value]) => `${name} ${formatNumber(value)}`),
    ];
    if (tokensPerSecond) {
      const weight = Math.min(RATE_STEPS, this.#stageSteps++);
      this.#rate = (this.#rate * weight + tokensPerSecond) / (weight + 1);
      parts.push(`${formatCount(this.#rate)} tokens/s`);
    }
    if (steps) parts.push(...this.#timeLeft(step, steps, now));
    return parts.join(' · ');
  }

  #timeLeft(step: number, steps: number, now: number): string[] {
    if (!this.#first || step <= this.#first.step) this.#first = { step, at: now };
    const done = step - this.#first.step;
    if (done === 0) return [];
    return [`${formatSeconds(((now - this.#first.at) / done / 1000) * (steps - step))} left`];
  }

  /** One line, whatever the model wrote. */
  #sample(stage: string, { step, prompt, text }: LoggedSample): void {
    const line = clean(`${stage}, step ${step}: ${prompt}${text}`);
    const columns = columnsOf(process.stderr);
    this.#line('  ', Number.isFinite(columns) ? fitLine(line, columns) : line);
  }

  #text(text: string): void {
    if (!this.#options.isTextShown) return;
    this.#spinner?.stop();
    this.#spinner = undefined;
    this.#isWriting = true;
    process.stdout.write(text);
  }

  /** Takes the live line away. */
  end(): void {
    this.#stopSpinner();
  }

  #finish(stage: string, seconds: number, metricsFile: string): void {
    this.#stopSpinner();
    this.#line('✔ ', `${stage} in ${formatSeconds(seconds)}`);
    const isDrawn = this.#options.detail === 'verbose';
    const curve = isDrawn ? drawLossCurve(metricsFile, columnsOf(process.stderr)) : undefined;
    if (curve) process.stderr.write(`${curve}\n`);
  }

  #fail(stage: string, error: unknown): void {
    this.#stopSpinner();
    if (isInterruption(error)) this.#line('■ ', `${stage}: stopped`);
    else this.#line('✖ ', stage);
  }

  #stopSpinner(): void {
    this.#spinner?.stop();
    this.#spinner = undefined;
    this.#first = undefined;
  }

  /** A line that stays, above the live one. */
  #line(mark: string, text: string): void {
    const spinner = this.#spinner;
    spinner?.stop();
    process.stderr.write(`${wrap(mark, text, columnsOf(process.stderr))}\n`);
    spinner?.start();
  }
}
