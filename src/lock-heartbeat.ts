/**
 * The thread that keeps a lock alive: writes the lock's file anew, with the same content, every few seconds.
 */

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const { file, text, beatMs } = workerData as { file: string; text: string; beatMs: number };

/**
 * Writing sets the time by the file system's clock, and the file that was opened is the one that is written.
 */
function beat(): void {
  try {
    const handle = openSync(file, 'r+');
    try {
      if (readFileSync(handle, 'utf8') === text) writeSync(handle, text, 0);
      else stop();
    } finally {
      closeSync(handle);
    }
  } catch {
    // The disk may be back at the next beat. Where the file is gone, no one else has the lock yet.
  }
}

function stop(): void {
  clearInterval(timer);
  parentPort?.postMessage('lost');
}

const timer = setInterval(beat, beatMs);
