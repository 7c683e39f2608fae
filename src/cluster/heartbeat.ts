/** The thread that says that its process lives, and how often the event loop of the main one has turned. */

import { writeFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const { file, turns, beatMs } = workerData as { file: string; turns: Int32Array; beatMs: number };
let beats = 0;

function beat(): void {
  try {
    writeFileSync(file, `${++beats} ${Atomics.load(turns, 0)}`);
  } catch {
    // The disk may be back at the next beat.
  }
}

beat();
setInterval(beat, beatMs);
