import { z } from 'zod';

export const config = z.strictObject({
  precision: z
    .enum(['f32', 'f16', 'int8'])
    .default('f32')
    .describe('How latents are stored: 4, 2 or 1 bytes a number. What int8 loses is said at the end.'),
  patchesPerBatch: z.int().positive().default(2048).describe('Patches encoded at once.'),
});
