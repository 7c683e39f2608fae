import { z } from 'zod';

export const config = z.strictObject({
  to: z.string().describe('Folder to write, relative to where calm is started; it must not be there yet.'),
});
