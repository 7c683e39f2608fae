/** Numbers as people read them. */

export function formatCount(value: number): string {
  if (value < 10_000) return String(Math.round(value));
  const [unit, size] = value < 1e6 ? ['k', 1e3] : value < 1e9 ? ['M', 1e6] : ['G', 1e9];
  return `${(value / size).toPrecision(3)}${unit}`;
}

export function formatBytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export function formatShare(share: number): string {
  if (share === 0) return '0 %';
  const percent = 100 * share;
  return percent < 0.05 ? '< 0.1 %' : `${percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** Four digits that count. */
export function formatValue(value: number): string {
  if (Number.isInteger(value)) return Math.abs(value) < 1e5 ? String(value) : formatCount(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(4)));
}

export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A piece of text with its white space made visible. */
export function visible(text: string): string {
  const shown = text.replace(/ /g, '␣').replace(/\n/g, '↵').replace(/\t/g, '⇥');
  return shown === '' ? '∅' : shown;
}

export function formatAge(milliseconds: number): string {
  const minutes = milliseconds / 60_000;
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${Math.round(minutes)} min ago`;
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h ago`;
  return `${Math.round(minutes / 60 / 24)} days ago`;
}
