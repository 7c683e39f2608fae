import { z } from 'zod';

export const config = z.strictObject({
  path: z
    .string()
    .describe(
      'Folder of a Hugging Face CALM or Llama: config.json, and model.safetensors (or its shards) or ' +
        'pytorch_model.bin.',
    ),
  autoencoder: z
    .string()
    .optional()
    .describe(
      'Of a CALM: folder of the autoencoder that it was trained on. autoencoder/ inside it, or where ' +
        '`ae_path` of its config.json says, where absent.',
    ),
  tokenizer: z
    .string()
    .optional()
    .describe('A tokenizer.json, tokenizer.model, or folder with one; the folder itself where absent.'),
});
