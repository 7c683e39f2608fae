import { z } from 'zod';

export const config = z.strictObject({
  path: z
    .string()
    .describe(
      'Folder of a Hugging Face CALM: config.json, and model.safetensors (or its shards) or ' +
        'pytorch_model.bin.',
    ),
  autoencoder: z
    .string()
    .describe(
      'Folder of the autoencoder that it was trained on; takes the place of the `ae_path` in its ' +
        'config.json.',
    ),
  tokenizer: z
    .string()
    .optional()
    .describe('A tokenizer.json, tokenizer.model, or folder with one; the folder itself where absent.'),
});
