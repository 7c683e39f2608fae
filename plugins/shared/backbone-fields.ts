/** The fields of a Llama that a training stage takes over from the model's own schema. */

interface BackboneFields {
  readonly hiddenSize: unknown;
  readonly intermediateSize: unknown;
  readonly numHiddenLayers: unknown;
  readonly numAttentionHeads: unknown;
  readonly numKeyValueHeads: unknown;
  readonly ropeTheta: unknown;
  readonly initializerRange: unknown;
}

/** Check them with `checkLlama`. */
export function backboneFields<Fields extends BackboneFields>({
  hiddenSize,
  intermediateSize,
  numHiddenLayers,
  numAttentionHeads,
  numKeyValueHeads,
  ropeTheta,
  initializerRange,
}: Fields): Pick<Fields, keyof BackboneFields> {
  return {
    hiddenSize,
    intermediateSize,
    numHiddenLayers,
    numAttentionHeads,
    numKeyValueHeads,
    ropeTheta,
    initializerRange,
  };
}
