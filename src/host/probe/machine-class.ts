import type { Probe } from './probe.ts'
import { known, type Reading, unknown } from './value.ts'

/** Cores that a run may use: those of the machine, or the quota of its container where that is smaller. */
export function usableCores(probe: Probe): Reading<number> {
  const quota = probe.cgroup.cpuCores
  if (!probe.cores.isKnown) return quota.isKnown && quota.value !== 'none' ? known(quota.value) : probe.cores
  return known(quota.isKnown && quota.value !== 'none' ? Math.min(quota.value, probe.cores.value) : probe.cores.value)
}

/**
 * Hardware class that a proof names: `cpu-x86_64-2c`, `NVIDIA H200`, `8x NVIDIA H200`. The word for what could not be
 * read is `unknown`, so that two machines of which nothing is known are never taken for equal ones by their figures.
 */
export function machineClassOf(probe: Probe, compute: 'cpu' | 'gpu'): string {
  if (compute === 'gpu') {
    const names = gpuNames(probe)
    if (!names.isKnown) return 'gpu-unknown'
    if (names.value.length > 0) {
      const kinds = [...new Set(names.value)]
      return kinds
        .map((kind) => {
          const count = names.value.filter((name) => name === kind).length
          return count === 1 ? kind : `${count}x ${kind}`
        })
        .join(' + ')
    }
  }
  const cores = usableCores(probe)
  const architecture = probe.architecture.isKnown ? probe.architecture.value : 'unknown'
  return `cpu-${architecture}-${cores.isKnown ? `${Math.max(1, Math.floor(cores.value))}c` : 'unknown'}`
}

function gpuNames(probe: Probe): Reading<readonly string[]> {
  if (probe.gpus === 'none') return known([])
  if (!probe.gpus.isKnown) return probe.gpus
  const names: string[] = []
  for (const gpu of probe.gpus.value.gpus) {
    if (!gpu.name.isKnown) return unknown(gpu.name.reason)
    names.push(gpu.name.value)
  }
  return known(names)
}
