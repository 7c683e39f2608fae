/** The options of Muon and their defaults. Loads no tensor library. */

import { z } from 'zod';
import { adamWOptions } from './adamw-options.ts';

/** The polynomials of math/polar-factor.ts. */
const POLYNOMIAL_NAMES = ['newton-schulz', 'polar-express'] as const;

export const muonOptions = z.strictObject({
  momentum: z.number().min(0).lt(1).default(0.95).describe('Muon: decay of the momentum, with Nesterov.'),
  polynomial: z
    .enum(POLYNOMIAL_NAMES)
    .default('polar-express')
    .describe('Muon: how singular values are brought near 1. newton-schulz needs 5 steps for the same.'),
  polynomialSteps: z.int().positive().default(3).describe('Muon: steps of that iteration.'),
  every: z
    .int()
    .positive()
    .default(1)
    .describe('Muon: each matrix is moved every so many steps, in turn, and so many times as far.'),
  smallestSide: z
    .int()
    .positive()
    .default(24)
    .describe('Muon: matrices with a shorter side go to AdamW, as vectors and embeddings do.'),
  ...adamWOptions.shape,
});

export type MuonOptions = z.infer<typeof muonOptions>;
