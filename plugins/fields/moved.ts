/** Fields that were moved: who still writes them is told the new place. */

import type { z } from 'zod';

/** @param moved field → where it is now, as it is written */
export function withMoved<Schema extends z.ZodType>(
  schema: Schema,
  moved: Readonly<Record<string, string>>,
): Schema {
  const standard = schema['~standard'];
  const validate: typeof standard.validate = (value) => {
    const found = Object.keys((value as object | null) ?? {}).find((key) => Object.hasOwn(moved, key));
    return found === undefined
      ? standard.validate(value)
      : { issues: [{ message: `has moved: write ${moved[found]} instead`, path: [found] }] };
  };
  return { '~standard': { ...standard, validate } } as Schema;
}
