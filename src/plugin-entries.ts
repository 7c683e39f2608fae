/**
 * Whose code an entry of a registry is. Heads, optimisers, measures and formats are registered while the
 * module of a plugin loads; what was registered then is the plugin's.
 */

let noted: object[] = [];
const codes = new WeakMap<object, string>();

/** Told by a registry of each new entry. */
export function noteEntry(entry: object): void {
  noted.push(entry);
}

/** Loads plugins, one call after the other. @param codeOf hash of the code of what was loaded */
export async function loadingEntries<Loaded>(
  load: () => Promise<Loaded>,
  codeOf: (loaded: Loaded) => string | undefined,
): Promise<Loaded> {
  noted = [];
  const loaded = await load();
  const code = codeOf(loaded);
  if (code !== undefined) for (const entry of noted) codes.set(entry, code);
  return loaded;
}

/** Hash of the code that an entry comes from; undefined for a built-in one. */
export function codeOfEntry(entry: object): string | undefined {
  return codes.get(entry);
}
