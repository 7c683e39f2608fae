import { z } from 'zod';

export const config = z.strictObject({
  path: z
    .string()
    .describe(
      'Folder of a Hugging Face autoencoder: config.json, and model.safetensors (or its shards) or ' +
        'pytorch_model.bin.',
    ),
  tokenizer: z
    .string()
    .optional()
    .describe('A tokenizer.json, tokenizer.model, or folder with one; the folder itself where absent.'),
});
