import { existsSync, readFileSync } from 'node:fs';

/** The lines of metrics.jsonl, none where it is not there. One that is just being written is left out. */
export function readMetrics<Line = Record<string, unknown>>(file: string): Line[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}
