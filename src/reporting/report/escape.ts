/** Text of others, made safe for a page: it shows what was written and does nothing. */

/** Control characters as their pictures, so that they neither break a page nor move its text. */
export function clean(text: string): string {
  return visible(text).replace(/[\n\t]+/g, ' ');
}

/** The same with its line breaks and tabs. */
export function visible(text: string): string {
  return (
    text
      .replaceAll('\r\n', '\n')
      .replace(/\p{Surrogate}/gu, '\ufffd')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be replaced
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (control) =>
        control === '\u007f' ? '\u2421' : String.fromCharCode(0x2400 + control.charCodeAt(0)),
      )
      .replace(/[\u0080-\u009f\ufffe\uffff\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
  );
}

/** For the text and the attributes of HTML and SVG. */
export function toHtml(text: string): string {
  return visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** One line of Markdown that is shown as it is. */
export function toMarkdown(text: string): string {
  return clean(text)
    .replaceAll('\\', '\\\\')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[`*_[\]|~$]/g, '\\$&')
    .replace(/^(\s*)([#>+-]|\d+[.)])(?=\s|$)/, '$1\\$2');
}

/** A block of code that holds the text, whatever it is: the fence is longer than any in it. */
export function toFence(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}text\n${visible(text)}\n${fence}`;
}
