/** Elements that must be there: where one is not, the program is wrong, and says so at once. */

/** The element at an index from 0 on. */
export function elementAt<T>(list: ArrayLike<T>, index: number): T {
  const element = list[index];
  if (element === undefined) throw new RangeError(`there is no element ${index} among ${list.length}`);
  return element;
}

/** The length of rows that are all of one length; there must be at least one. */
export function commonLength(rows: readonly ArrayLike<unknown>[]): number {
  return elementAt(rows, 0).length;
}

/** A list that has at least one element. */
export type NonEmpty<T> = [T, ...T[]];

export function isNonEmpty<T>(list: T[]): list is NonEmpty<T> {
  return list.length > 0;
}

/** What a record itself has under a key; what every object of the language has does not count. */
export function ownValue<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
