/** The kernels that steps may use. A kernel that is not here makes its step run eagerly. */

import type { OnnxResult } from '../../onnx/operation.ts';
import type { TensorFlowResult } from '../../tensorflow/operation.ts';
import type { Node } from '../graph.ts';
import { type Kernel, UnknownKernel } from '../kernel.ts';
import { UPDATES } from './adamw.ts';
import { ELEMENTWISE } from './elementwise.ts';
import { FILLS } from './fills.ts';
import { PRODUCTS } from './products.ts';
import { REDUCTIONS } from './reductions.ts';
import { ROWS } from './rows.ts';
import { SHAPES } from './shapes.ts';

export const KERNELS: ReadonlyMap<string, Kernel> = new Map(
  [ELEMENTWISE, REDUCTIONS, SHAPES, PRODUCTS, ROWS, FILLS, UPDATES].flat().map((row) => [row.name, row]),
);

const LANGUAGES = { onnx: 'ONNX', tensorflow: 'TensorFlow' } as const;

type Forms = { readonly onnx: OnnxResult; readonly tensorflow: TensorFlowResult };

/** A kernel's form in a graph language. What is traced has as many operands as its kernel takes. */
export function formOf<Language extends keyof typeof LANGUAGES>(name: string, language: Language) {
  const form = KERNELS.get(name)?.[language];
  if (form === undefined) throw new UnknownKernel(name, LANGUAGES[language]);
  if (typeof form === 'object') throw new UnknownKernel(name, LANGUAGES[language], form.absent);
  return form as string | ((node: Node) => Forms[Language]);
}
