import type { ArtifactKind } from '../../spec/schema.ts'
import { checkCsv } from './csv.ts'
import { checkGguf } from './gguf.ts'
import { checkGzip } from './gzip.ts'
import { checkHdf5 } from './hdf5.ts'
import { checkJson } from './json.ts'
import { checkJsonl } from './jsonl.ts'
import type { Checker, StructureFile, StructureReport } from './kit.ts'
import { NotCheckable, Probe, ReadFailed } from './kit.ts'
import { checkNpy } from './npy.ts'
import { checkNpz } from './npz.ts'
import { checkOnnx } from './onnx.ts'
import { checkOther } from './other.ts'
import { checkParquet } from './parquet.ts'
import { checkSafetensors } from './safetensors.ts'
import { checkSqlite } from './sqlite.ts'
import { checkTar } from './tar.ts'
import { checkTorch } from './torch.ts'

const checkers: Readonly<Record<ArtifactKind, Checker>> = {
  json: checkJson,
  jsonl: checkJsonl,
  csv: checkCsv,
  safetensors: checkSafetensors,
  npy: checkNpy,
  npz: checkNpz,
  torch: checkTorch,
  gzip: checkGzip,
  tar: checkTar,
  parquet: checkParquet,
  hdf5: checkHdf5,
  sqlite: checkSqlite,
  gguf: checkGguf,
  onnx: checkOnnx,
  other: checkOther,
}

/**
 * Judges one file by its format (level V4, handbook ssh 9.4). Hostile bytes never make it throw; only an abort does.
 * What it did not expect counts as broken, never as whole.
 */
export async function checkStructure(
  kind: ArtifactKind,
  file: StructureFile,
  signal: AbortSignal,
): Promise<StructureReport> {
  const probe = new Probe(file, signal)
  try {
    const { checksums } = await checkers[kind](probe)
    return { level: 'whole', checks: probe.checks, checksums }
  } catch (error) {
    signal.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    if (error instanceof NotCheckable)
      return { level: 'not-checkable', checks: probe.checks, reason, checksums: 'none' }
    if (error instanceof ReadFailed)
      return { level: 'not-checkable', checks: probe.checks, reason: `cannot be read: ${reason}`, checksums: 'none' }
    return { level: 'broken', checks: probe.checks, reason, checksums: 'none' }
  }
}
