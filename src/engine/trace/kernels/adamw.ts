/** The update of AdamW. Its loop for backends whose numbers JavaScript can reach is in engine/kernels. */

import { ADAMW, type AdamWAttributes } from '../../kernels/adamw.ts';
import { op, type TensorFlowOperand, type TensorFlowOperation } from '../../tensorflow/operation.ts';
import type { Node, Operands, Value } from '../graph.ts';
import { absent, type Kernel, kernel } from '../kernel.ts';
import { scalar } from '../operation.ts';

const FLOAT = { T: { type: 'float32' } } as const;
const DTYPE = { dtype: { type: 'float32' } } as const;

const times = (a: TensorFlowOperand, b: TensorFlowOperand) => op('Mul', [a, b], FLOAT);
const oneMinus = (x: TensorFlowOperand) => op('Sub', [scalar(1), x], FLOAT);

/** A resource that lives for one run, with a value; what uses it has to come after the assignment. */
function resource(shape: readonly number[], value: TensorFlowOperand) {
  const handle = op('VarHandleOp', [], {
    ...DTYPE,
    shape: { shape },
    shared_name: { unique: 'resource' },
    container: { text: '' },
  });
  return { handle, assigned: op('AssignVariableOp', [handle, value], DTYPE) };
}

/**
 * One fused update. `ResourceApplyAdam` has torch's ε where its own is scaled by √(1 − β₂ᵗ), and the step
 * size lr √(1 − β₂ᵗ)/(1 − β₁ᵗ) comes from the powers that it is given. A scale of 0 leaves everything as it
 * is: β are 1 then, rate and gradient 0.
 */
function fused({ inputs, outputs, attrs }: Node<AdamWAttributes, Operands<Value, 8>>): TensorFlowOperation[] {
  const { beta1, beta2, epsilon, weightDecay } = attrs;
  const [parameter, first, second, gradient, scale, fullRate, correction1, correction2] = inputs;
  const isTaken = op('Greater', [scale, scalar(0)], FLOAT);
  const ifTaken = (value: TensorFlowOperand, otherwise: number) =>
    op('SelectV2', [isTaken, value, scalar(otherwise)], FLOAT);
  const rate = ifTaken(fullRate, 0);
  const decayed =
    weightDecay === 0 ? parameter : times(parameter, oneMinus(times(rate, scalar(weightDecay))));
  const clipped = ifTaken(times(gradient, scale), 0);
  const resources = [decayed, first, second].map((value) => resource(outputs[0].shape, value));
  const apply = op(
    'ResourceApplyAdam',
    [
      ...resources.map(({ handle }) => handle),
      oneMinus(correction1),
      oneMinus(correction2),
      rate,
      ifTaken(scalar(beta1), 1),
      ifTaken(scalar(beta2), 1),
      times(op('Sqrt', [correction2], FLOAT), scalar(epsilon)),
      clipped,
    ],
    { ...FLOAT, use_locking: { bool: false }, use_nesterov: { bool: false } },
    resources.map(({ assigned }) => assigned),
  );
  return resources.map(({ handle }) => op('ReadVariableOp', [handle], DTYPE, [apply]));
}

export const UPDATES: readonly Kernel[] = [
  kernel<AdamWAttributes, 8>({
    name: ADAMW,
    infer: ([parameter]) => [parameter, parameter, parameter],
    onnx: absent('the host carries it out after the session (onnx/host.ts), so nothing may follow it'),
    tensorflow: fused,
  }),
];
