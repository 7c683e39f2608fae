/** The Gaussians of some patches: `mean` and `logStd`, each [patches, latent]. */
export interface Latents {
  readonly mean: Float32Array;
  readonly logStd: Float32Array;
}
