/**
 * The words of a line, as a shell takes them apart; the last one is that at the cursor, perhaps empty. Quotes
 * and backslashes count, substitutions do not.
 */
export function splitLine(line: string): string[] {
  const words = [''];
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const letter = line[i];
    if (quote) {
      if (letter === quote) quote = '';
      else words[words.length - 1] += letter;
    } else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === ' ') {
      if (words.at(-1) !== '' || i === 0) words.push('');
    } else words[words.length - 1] += letter === '\\' ? (line[++i] ?? '') : letter;
  }
  return words;
}
