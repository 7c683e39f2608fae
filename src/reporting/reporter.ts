/**
 * Turns a run's events into what people see: one live line a stage in a terminal (ora), plain lines
 * elsewhere. Text that a stage makes goes to stdout, the rest to stderr.
 */

import type { Ora } from 'ora';
import { isInterruption, type PipelineEvent, type StageProgress } from '../pipeline/index.ts';
import { formatCount, formatNumber, formatSeconds } from './format.ts';
import { startLiveLine } from './live-line.ts';
import { drawLossCurve } from './loss-curve.ts';

export interface ReporterOptions {
  /** A live line instead of lines; stderr must be a terminal. */
  readonly isLive: boolean;
  /** With --json stdout belongs to the document alone. */
  readonly isTextShown: boolean;
}

/** Plain lines about progress come at most this often. */
const PLAIN_INTERVAL_MS = 10_000;
/** Rates are averaged over about this many steps. */
const RATE_STEPS = 20;

export class RunReporter {
  readonly #options: ReporterOptions;
  #spinner: Ora | undefined;
  #lastLine = 0;
  #rate = 0;
  #stageSteps = 0;
  /** Where and when the present stretch of steps began; the time left is judged from it. */
  #first: { step: number; at: number } | undefined;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  readonly report = (event: PipelineEvent): void => {
    if (event.type === 'stage-started') this.#start(event.stage, event.reasons);
    else if (event.type === 'stage-skipped') this.#line(describeSkipped(event));
    else if (event.type === 'progress') this.#progress(event.stage, event.progress);
    else if (event.type === 'run-note') this.#line(`  ${event.text}`);
    else if (event.type === 'note') this.#line(`  ${event.stage}: ${event.text}`);
    else if (event.type === 'warning') this.#line(`⚠ ${event.text}`);
    else if (event.type === 'warn') this.#line(`⚠ ${event.stage}: ${event.text}`);
    else if (event.type === 'text') this.#text(event.text);
    else if (event.type === 'stage-finished') this.#finish(event.stage, event.seconds, event.metricsFile);
    else if (event.type === 'stage-failed') this.#fail(event.stage, event.error);
  };

  #start(stage: string, reasons: readonly string[]): void {
    this.#line(`▶ ${stage} (${reasons.join('; ')})`);
    this.#lastLine = performance.now();
    this.#rate = 0;
    this.#stageSteps = 0;
    if (this.#options.isLive) this.#spinner = startLiveLine(stage);
  }

  #progress(stage: string, progress: StageProgress): void {
    const line = `${stage}: ${this.#describe(progress)}`;
    if (this.#spinner) this.#spinner.text = line;
    else if (performance.now() - this.#lastLine > PLAIN_INTERVAL_MS) {
      this.#lastLine = performance.now();
      process.stderr.write(`  ${line}\n`);
    }
  }

  /** "step 120 / 400 · loss 1.234 · 15.2k tokens/s · 0:42 left" */
  #describe({ step, steps, values = {}, tokensPerSecond }: StageProgress): string {
    const now = performance.now();
    const parts = [
      `${step}${steps ? ` / ${steps}` : ''}`,
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

  #text(text: string): void {
    if (!this.#options.isTextShown) return;
    this.#spinner?.stop();
    this.#spinner = undefined;
    process.stdout.write(text);
  }

  #finish(stage: string, seconds: number, metricsFile: string): void {
    this.#stopSpinner();
    process.stderr.write(`✔ ${stage} in ${formatSeconds(seconds)}\n`);
    const curve = drawLossCurve(metricsFile);
    if (curve) process.stderr.write(`${curve}\n`);
  }

  #fail(stage: string, error: unknown): void {
    this.#stopSpinner();
    process.stderr.write(isInterruption(error) ? `■ ${stage}: stopped\n` : `✖ ${stage}\n`);
  }

  #stopSpinner(): void {
    this.#spinner?.stop();
    this.#spinner = undefined;
    this.#first = undefined;
  }

  /** A line that stays, above the live one. */
  #line(text: string): void {
    const spinner = this.#spinner;
    spinner?.stop();
    process.stderr.write(`${text}\n`);
    spinner?.start();
  }
}

/** Why a stage has nothing to do, and by which engine its result was made. */
function describeSkipped({ stage, from, isKept, engine }: PipelineEvent & { type: 'stage-skipped' }): string {
  const by = engine ? ` (made by ${engine})` : '';
  if (isKept) return `✔ ${stage}: kept from before, taken up again${by}`;
  return from ? `✔ ${stage}: taken from ${from}${by}` : `✔ ${stage}: fresh, nothing to do${by}`;
}
