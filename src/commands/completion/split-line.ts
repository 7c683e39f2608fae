/**
 * The words of a line, as a shell takes them apart; the last one is that at the cursor, perhaps empty. Quotes
 * and backslashes count, substitutions do not.
 */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  let [word, quote] = ['', ''];
  for (let i = 0; i < line.length; i++) {
    const letter = line.charAt(i);
    if (quote) {
      if (letter === quote) quote = '';
      else word += letter;
    } else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === ' ') {
      if (word === '' && i > 0) continue;
      words.push(word);
      word = '';
    } else word += letter === '\\' ? line.charAt(++i) : letter;
  }
  return [...words, word];
}
