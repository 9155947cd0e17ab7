const gib = 1024 ** 3
const mib = 1024 ** 2

export type Precision = 'fp32' | 'tf32' | 'bf16' | 'fp16' | 'fp8' | 'int8' | 'none'
export type Optimizer = 'adamw' | 'sgd-momentum' | 'adam-8bit'

export interface BytesRange {
  readonly minimumBytes: number
  readonly maximumBytes: number
}

/**
 * Weights, gradients and optimizer states of `parameters` on one GPU, in bytes (handbook money 5.1). Mixed precision
 * keeps fp32 master weights, so AdamW needs 16P either way, and up to 18P when gradients are kept in fp32.
 */
export function trainingStateBytes(
  parameters: number,
  precision: Precision,
  optimizer: Optimizer = 'adamw',
): BytesRange {
  const isMixed = precision === 'bf16' || precision === 'fp16' || precision === 'fp8'
  const weights = isMixed ? 2 : 4
  const gradients: readonly [number, number] = isMixed ? [2, 4] : [4, 4]
  const states = optimizer === 'adamw' ? (isMixed ? 12 : 8) : optimizer === 'sgd-momentum' ? (isMixed ? 8 : 4) : 6
  return {
    minimumBytes: parameters * (weights + gradients[0] + states),
    maximumBytes: parameters * (weights + gradients[1] + states),
  }
}

export interface TransformerShape {
  readonly layers: number
  readonly hidden: number
  readonly heads: number
  readonly sequence: number
  /** Sequences per GPU and step. */
  readonly microBatch: number
}

/** Activations of a transformer step in 16-bit, full: s B h L (34 + 5 a s / h); `flash` drops the quadratic term. */
export function activationBytes(shape: TransformerShape, attention: 'full' | 'flash'): number {
  const { layers, hidden, heads, sequence, microBatch } = shape
  const quadratic = attention === 'full' ? (5 * heads * sequence) / hidden : 0
  return sequence * microBatch * hidden * layers * (34 + quadratic)
}

/** Logits, forward and softmax, in fp32: often the hidden killer with large vocabularies. */
export function logitsBytes(microBatch: number, sequence: number, vocabulary: number): number {
  return 2 * microBatch * sequence * vocabulary * 4
}

/** Key/value cache of inference: 2 L s B h_kv b. */
export function kvCacheBytes(shape: TransformerShape, keyValueHidden: number, bytesPerValue: number): number {
  return 2 * shape.layers * shape.sequence * shape.microBatch * keyValueHidden * bytesPerValue
}

export interface FitInput {
  /** Formula or measured peak of one worker, in bytes. */
  readonly perWorkerBytes: number
  readonly workersPerGpu: number
  readonly datasetBytes: number
  /** CUDA context and libraries, once a process; 0.3 to 2 GiB are seen. */
  readonly contextBytes: number
  /** What the device itself reports, not the name on the box. */
  readonly usableMiB: number
}

/** Passes when need x 1.15 fits into the usable memory less 1 GiB (handbook money 5.1). */
export function fitsGpu(input: FitInput): {
  readonly fits: boolean
  readonly needBytes: number
  readonly roomBytes: number
} {
  const needBytes = (input.perWorkerBytes + input.contextBytes) * input.workersPerGpu + input.datasetBytes
  const roomBytes = input.usableMiB * mib - gib
  return { fits: needBytes * 1.15 <= roomBytes, needBytes, roomBytes }
}

/** Line through two measured peaks: peak = fixed + slope x batch. Overrules the formula. Null for one batch size. */
export function memoryLine(
  a: { readonly batch: number; readonly peakBytes: number },
  b: { readonly batch: number; readonly peakBytes: number },
): { readonly fixedBytes: number; readonly bytesPerBatch: number } | null {
  if (a.batch === b.batch) return null
  const bytesPerBatch = (b.peakBytes - a.peakBytes) / (b.batch - a.batch)
  return { fixedBytes: a.peakBytes - bytesPerBatch * a.batch, bytesPerBatch }
}
