/** The frozen encoder over many patches, by tables. N patches · K tokens a patch · L latent. */

import type { Latents } from '../../artifacts/index.ts';
import { type CompiledStep, disposeTree, type Engine, intTensor, readFloats, type Tensor, type TensorMap } from '../../engine/index.ts';
import type { Autoencoder } from '../language-model.ts';
import type { PatchGaussians } from './autoencoder.ts';
import { encodeByTables, encoderTables } from './encoder-tables.ts';

type Inputs = { readonly parameters: TensorMap; readonly tables: Tensor; readonly ids: Tensor };

/** Makes the encoder's tables once and encodes with them. Free it when done. */
export class CorpusEncoder {
  readonly #parameters: TensorMap;
  readonly #tables: Tensor;
  readonly #run: CompiledStep<Inputs, { mean: Tensor; logStd: Tensor }>;

  private constructor(parameters: TensorMap, tables: Tensor, run: CompiledStep<Inputs, { mean: Tensor; logStd: Tensor }>) {
    this.#parameters = parameters;
    this.#tables = tables;
    this.#run = run;
  }

  static async create(engine: Engine, { config, parameters }: Autoencoder): Promise<CorpusEncoder> {
    const makeTables = engine.compile((given: TensorMap) => ({ tables: encoderTables(given, config) }));
    const { tables } = await makeTables(parameters);
    const run = engine.compile(
      (given: Inputs) => {
        const { mean, logStd }: PatchGaussians = encodeByTables(given.parameters, config, given.tables, given.ids);
        return { mean, logStd };
      },
      { constants: ['parameters'] },
    );
    return new CorpusEncoder(parameters, tables, run);
  }

  /** @param ids [patches·K] */
  async encode(ids: Int32Array): Promise<Latents> {
    const idTensor = intTensor(ids);
    const { mean, logStd } = await this.#run({ parameters: this.#parameters, tables: this.#tables, ids: idTensor });
    const latents = { mean: await readFloats(mean), logStd: await readFloats(logStd) };
    disposeTree({ mean, logStd, idTensor });
    return latents;
  }

  dispose(): void {
    this.#tables.dispose();
  }
}
