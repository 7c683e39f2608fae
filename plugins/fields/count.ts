import { z } from 'zod';

/** A field for a whole number of 1 or more. */
export const count = (standard: number) => z.int().positive().default(standard);
