import { z } from 'zod';

export const config = z.strictObject({
  precision: z.enum(['f32', 'f16']).default('f32').describe('How latents are stored: 4 or 2 bytes a number.'),
  patchesPerBatch: z.int().positive().default(2048).describe('Patches encoded at once.'),
});
