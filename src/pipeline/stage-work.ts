/**
 * What a stage is given to work with: opened inputs, writers, and a report that goes into files and events.
 */

import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ArtifactKind, OptionalPort, StageReport } from '../plugin/index.ts';
import { type MetricLog, openMetricLog, PROGRESS_FILE, readLogged, SAMPLE_EVENT } from '../runs/index.ts';
import { disposeAll } from './disposal.ts';
import type { Reporter, StageProgress } from './events.ts';
import { kindOf, type StageNode } from './graph.ts';

/** What the pipeline needs to know of an engine: its name and the versions for manifests. */
export interface LoadedEngine {
  readonly name: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** Port → what its kind opened or created. */
export class OpenedPorts {
  readonly ports: Record<string, unknown> = {};

  /** Opens one port; where that fails, those before it are closed. */
  async open(port: string, opening: () => Promise<unknown>): Promise<void> {
    try {
      this.ports[port] = await opening();
    } catch (error) {
      await this.close().catch(() => {});
      throw error;
    }
  }

  /** Closes what can be closed. */
  async close(): Promise<void> {
    await disposeAll(Object.values(this.ports));
  }
}

/**
 * Works with what was opened and closes it, however the work ends. Where it failed, its own error is the one
 * that
 * counts.
 */
export async function closing(opened: OpenedPorts, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await opened.close().catch(() => {});
    throw error;
  }
  await opened.close();
}

/**
 * Opens a stage's inputs.
 * @param directories port → folder of the artifact; a port without one is left out
 */
export async function openInputs(
  stage: StageNode['stage'],
  directories: Readonly<Record<string, string>>,
  opened = new OpenedPorts(),
): Promise<OpenedPorts> {
  for (const [port, directory] of Object.entries(directories)) {
    const kind = kindOf(stage.inputs[port] as ArtifactKind | OptionalPort);
    await opened.open(port, () => kind.open(directory));
  }
  return opened;
}

/** Opens writers in folders of their own, emptied unless the stage resumes what is there. */
export async function createOutputs(stage: StageNode['stage'], directory: string): Promise<OpenedPorts> {
  const opened = new OpenedPorts();
  for (const [port, kind] of Object.entries(stage.outputs as Record<string, ArtifactKind>)) {
    await opened.open(port, async () => {
      if (!stage.keepsOutputs) await rm(join(directory, port), { recursive: true, force: true });
      await mkdir(join(directory, port), { recursive: true });
      return kind.create(join(directory, port));
    });
  }
  return opened;
}

/** How a stage hears a signal; see StageContext. */
export function pauseFor(signal: AbortSignal): () => Promise<void> {
  return async () => {
    await nextTurn();
    signal.throwIfAborted();
  };
}

/** What a stage said of its results. */
export interface Results {
  summary: Record<string, unknown>;
  headline: Record<string, number>;
}

/** A report that shows everything, keeps the results, and writes nothing. */
export function reportAside(stage: string, show: Reporter, results: Results): StageReport {
  return {
    progress: (progress) => show({ type: 'progress', stage, progress }),
    metrics: (metrics) => show({ type: 'metrics', stage, metrics }),
    event: () => {},
    sample: (sample) => show({ type: 'written', stage, sample }),
    logTo: () => {},
    note: (text) => show({ type: 'note', stage, text }),
    warn: (text) => show({ type: 'warn', stage, text }),
    text: (text) => show({ type: 'text', stage, text }),
    summary: (summary) => {
      results.summary = { ...results.summary, ...summary };
    },
    headline: (headline) => {
      results.headline = { ...results.headline, ...headline };
    },
    rewind: () => {},
  };
}

/**
 * Likewise, and writes metrics.jsonl, events.jsonl and progress.json into the folder in which the stage
 * works, with the logs that it asks for.
 */
export function reportInto(directory: string, stage: string, show: Reporter, results: Results): StageReport {
  const aside = reportAside(stage, show, results);
  const [metricsFile, eventsFile] = [join(directory, 'metrics.jsonl'), join(directory, 'events.jsonl')];
  let logs: readonly MetricLog[] = [];
  const resetLogs = () => {
    if (logs.length === 0) return;
    const { lines, texts: samples } = readLogged(directory);
    for (const log of logs) log.reset(lines, samples);
  };
  const noteProgress = progressNotes(join(directory, PROGRESS_FILE));
  return {
    ...aside,
    progress: (progress) => {
      noteProgress(progress);
      aside.progress(progress);
    },
    metrics: (metrics) => {
      appendFileSync(metricsFile, `${JSON.stringify(metrics)}\n`);
      for (const log of logs) log.add(metrics);
      aside.metrics(metrics);
    },
    event: (event) => appendFileSync(eventsFile, `${JSON.stringify(event)}\n`),
    rewind: (step, numLines) => {
      rewindLines(metricsFile, step, numLines);
      rewindLines(eventsFile, step);
      resetLogs();
    },
    sample: (sample) => {
      const { step, prompt, text } = sample;
      const line = { step, event: SAMPLE_EVENT, prompt, text };
      appendFileSync(eventsFile, `${JSON.stringify(line)}\n`);
      for (const log of logs) log.addSample(sample);
      aside.sample(sample);
    },
    logTo: (formats) => {
      logs = [...new Set(formats)].map((format) => openMetricLog(format, directory));
      resetLogs();
    },
  };
}

const PROGRESS_EVERY_MS = 2000;

/** Notes for `calm status` in another terminal how far a stage is. Where that fails the stage does not. */
function progressNotes(file: string): (progress: StageProgress) => void {
  let notedMs = Number.NEGATIVE_INFINITY;
  return (progress) => {
    if (performance.now() - notedMs < PROGRESS_EVERY_MS) return;
    notedMs = performance.now();
    try {
      writeFileSync(file, JSON.stringify(progress));
    } catch {
      // The disk is full, say; what matters will tell.
    }
  };
}

/** Keeps the lines of a file up to a step; a line cut short by a kill goes too. */
function rewindLines(file: string, step: number, numLines = Number.POSITIVE_INFINITY): void {
  if (!existsSync(file)) return;
  const kept = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => {
      try {
        return (JSON.parse(line) as { step: number }).step <= step;
      } catch {
        return false;
      }
    })
    .slice(0, numLines);
  writeFileSync(`${file}.partial`, kept.map((line) => `${line}\n`).join(''));
  renameSync(`${file}.partial`, file);
}
