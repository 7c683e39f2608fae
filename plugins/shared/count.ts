import { z } from 'zod';

export { layers, size } from 'calm-lm/models/config';

/** A field for a whole number of 1 or more. */
export const count = (standard: number) => z.int().positive().default(standard);
