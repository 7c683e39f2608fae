import { LARGEST_SIZE, MOST_LAYERS } from 'calm-lm/models/config';
import { z } from 'zod';

/** A field for a whole number of 1 or more. */
export const count = (standard: number) => z.int().positive().default(standard);

/** A field for a size of a model, or for how many there are of something. */
export const size = (standard: number) => z.int().positive().max(LARGEST_SIZE).default(standard);

/** A field for a number of layers. */
export const layers = (standard: number, least = 1) => z.int().min(least).max(MOST_LAYERS).default(standard);
