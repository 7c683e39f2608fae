import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { calm as calmAlone, RunningCli } from '../helpers/cli.ts';
import { calmInOneProcess } from '../helpers/many-commands.ts';
import { temporaryFolder } from '../helpers/temporary.ts';
import { writeTinyProject } from '../helpers/tiny.ts';

const calm = calmInOneProcess(test);

const STAGES = ['train-autoencoder', 'train-lm'] as const;
const OUTPUTS = { 'train-autoencoder': 'autoencoder', 'train-lm': 'model' };
// Long enough to be hit in the middle.
const SLOW = { 'train-autoencoder': { steps: 120 }, 'train-lm': { steps: 90 } };

interface Outcome {
  readonly weights: Record<string, string>;
  readonly metrics: Record<string, string>;
}

function outcomeOf(folder: string): Outcome {
  const read = (stage: (typeof STAGES)[number], file: string) =>
    readFileSync(join(folder, 'runs/tiny', stage, file)).toString('base64');
  return {
    weights: Object.fromEntries(
      STAGES.map((stage) => [stage, read(stage, `${OUTPUTS[stage]}/model.safetensors`)]),
    ),
    metrics: Object.fromEntries(STAGES.map((stage) => [stage, read(stage, 'metrics.jsonl')])),
  };
}

/**
 * Starts the run, waits until a stage has got to a line of its metrics, sends a signal, and runs again to the
 * end.
 */
async function disturbed(
  folder: string,
  config: string,
  stage: string,
  lines: number,
  signal: NodeJS.Signals,
) {
  const cli = new RunningCli(['run', config], folder);
  const metrics = join(folder, 'runs/tiny/.work', stage, 'metrics.jsonl');
  const count = () => {
    try {
      return readFileSync(metrics, 'utf8').split('\n').length - 1;
    } catch {
      return 0;
    }
  };
  const stopped = await cli.signalWhen(() => count() >= lines, signal);
  const again = await calm(['run', config], folder);
  return { stopped, again };
}

const undisturbed = new Map<string, Outcome>();

for (const engine of ['onnx', 'wasm']) {
  test.serial(`the same seed twice gives the same weights and metrics (${engine})`, async (t) => {
    const outcomes: Outcome[] = [];
    for (const start of [calmAlone, calm]) {
      const folder = temporaryFolder(t);
      const run = await start(['run', writeTinyProject(folder, SLOW, { engine })], folder);
      t.is(run.code, 0, run.stderr);
      outcomes.push(outcomeOf(folder));
    }
    t.deepEqual(outcomes[0], outcomes[1]);
    undisturbed.set(engine, outcomes[0]);
  });
}

const disturbances = [
  ['onnx', 'SIGKILL', 'train-autoencoder', 8],
  ['onnx', 'SIGKILL', 'train-autoencoder', 20],
  ['onnx', 'SIGKILL', 'train-lm', 3],
  ['onnx', 'SIGKILL', 'train-lm', 15],
  ['onnx', 'SIGINT', 'train-autoencoder', 12],
  ['onnx', 'SIGINT', 'train-lm', 12],
  ['wasm', 'SIGKILL', 'train-autoencoder', 12],
  ['wasm', 'SIGKILL', 'train-lm', 12],
  ['wasm', 'SIGINT', 'train-lm', 5],
] as const;

for (const [engine, signal, stage, lines] of disturbances) {
  test.serial(
    `${signal} in ${stage} after ${lines} lines of metrics, then the same command: the same bits (${engine})`,
    async (t) => {
      const folder = temporaryFolder(t);
      const { stopped, again } = await disturbed(
        folder,
        writeTinyProject(folder, SLOW, { engine }),
        stage,
        lines,
        signal,
      );
      if (signal === 'SIGKILL') t.is(stopped.signal, 'SIGKILL');
      else {
        t.is(stopped.code, 130, stopped.stderr);
        t.regex(stopped.stderr, /CALM_INTERRUPTED[\s\S]*Resume with: .*(calm|run\.js) run /);
      }
      t.is(again.code, 0, again.stderr);
      t.regex(again.stderr, /resuming from the checkpoint at step \d+/);
      t.deepEqual(outcomeOf(folder), undisturbed.get(engine) as Outcome);
      t.deepEqual(readdirSync(join(folder, 'runs/tiny/.work')), []);
      t.false(readdirSync(join(folder, 'runs/tiny')).includes('.lock'));
    },
  );
}
