/**
 * What a Retry-After header (RFC 9110 §10.2.3) asks for.
 * @param header seconds, or a date as HTTP writes it
 * @returns milliseconds from now, 0 or more; undefined where it is empty or can't be read
 */
export function retryAfterMs(header: string, nowMs = Date.now()): number | undefined {
  const text = header.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
