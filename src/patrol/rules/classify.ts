import type { FindingClass } from '../../run/types.ts'

/** A symptom's class and that class's fixed remedy (handbook monitoring 8.1). */
export interface Diagnosis {
  readonly word: string
  readonly class: FindingClass
  readonly remedy: string
  readonly recipe: string
}

/** Most telling first: a line that fits several is judged by the first. All linear in the length of the line. */
const symptoms: readonly (readonly [RegExp, Diagnosis])[] = [
  [
    /CUDA out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED/,
    {
      word: 'CUDA out of memory',
      class: 'bug',
      remedy: 'Look for zombies and neighbours on the card, then walk the fit ladder from its cheapest rung.',
      recipe: 'vram-fit',
    },
  ],
  [
    /No space left on device|basic_ios::clear: iostream error|Disk quota exceeded/,
    {
      word: 'No space left',
      class: 'capacity',
      remedy:
        'Look at bytes and inodes; free scratch, keep the best checkpoints, then retry with the same configuration.',
      recipe: 'free-disk',
    },
  ],
  [
    /unexpected pos \d+ vs \d+/,
    {
      word: 'unexpected pos',
      class: 'capacity',
      remedy: 'The disk was full while a checkpoint was written: free room, then retry from the generation before.',
      recipe: 'free-disk',
    },
  ],
  [
    /Bus error/,
    {
      word: 'Bus error',
      class: 'environment',
      remedy: 'Give the container more shared memory or use fewer loader workers.',
      recipe: 'host-memory',
    },
  ],
  [
    /no kernel image is available|driver version is insufficient|CUDA error: 804|forward compatibility was attempted/,
    {
      word: 'CUDA mismatch',
      class: 'environment',
      remedy: 'Install a build that fits driver, toolkit and card.',
      recipe: 'cuda-check',
    },
  ],
  [
    /size mismatch for|shape mismatch|state_dict.*mismatch/,
    {
      word: 'size mismatch',
      class: 'bug',
      remedy: 'Compare the dimensions of checkpoint and configuration; do not retry before they agree.',
      recipe: 'compare-dimensions',
    },
  ],
  [
    /Watchdog caught collective operation timeout|NCCL.{0,40}timeout/i,
    {
      word: 'collective timeout',
      class: 'bug',
      remedy: 'Find the first silent rank with debugging switched on.',
      recipe: 'distributed-debug',
    },
  ],
  [
    /NVRM: Xid|uncorrectable ECC|GPU is lost|fallen off the bus/,
    {
      word: 'GPU fault',
      class: 'hardware',
      remedy: 'Stop, and go on from the checkpoint on another machine.',
      recipe: 're-rent',
    },
  ],
  [
    /PytorchStreamReader failed|invalid header or archive is corrupted|not a valid checkpoint|unreadable checkpoint/i,
    {
      word: 'unreadable checkpoint',
      class: 'invalid',
      remedy: 'Stop: never begin afresh. A person chooses the generation before.',
      recipe: 'checkpoint-generations',
    },
  ],
  [
    /^\s*Killed\s*$|\bOut of memory: Killed process\b|\bMemoryError\b/,
    {
      word: 'Killed',
      class: 'capacity',
      remedy: 'Hold workers and loaders against the memory limit; not the batch size.',
      recipe: 'host-memory',
    },
  ],
  [
    /\bwandb\.(?:errors|sdk)\.[\w.]{0,60}(?:CommError|AuthenticationError)\b|Run initialization has timed out|\bapi_key not configured\b/,
    {
      word: 'tracker',
      class: 'environment',
      remedy: 'See whether the key, the proxy and the service are there before the start, then launch again.',
      recipe: 'tracker-check',
    },
  ],
  [
    /Temporary failure in name resolution|Connection reset by peer|Read timed out/,
    {
      word: 'network error',
      class: 'infrastructure',
      remedy: 'Retry the same configuration when the network is back.',
      recipe: 'retry-identical',
    },
  ],
  [
    /^Traceback \(most recent call last\)/,
    {
      word: 'Traceback',
      class: 'bug',
      remedy: 'Stop and read: the code or its configuration is wrong.',
      recipe: 'collect-evidence',
    },
  ],
  [
    /^(?:[A-Za-z_][\w.]{0,80})?(?:Error|Exception)\b(?::|$)|\b[A-Z][A-Za-z]{0,40}Error:/,
    {
      word: 'Error',
      class: 'bug',
      remedy: 'Stop and read: the code or its configuration is wrong.',
      recipe: 'collect-evidence',
    },
  ],
]

/** What one line of a log says about the run; null when it is no crash mark. */
export function diagnoseLine(line: string): Diagnosis | null {
  const bounded = line.slice(0, 4096)
  for (const [pattern, diagnosis] of symptoms) if (pattern.test(bounded)) return diagnosis
  return null
}

/** What an exit code says when the log says nothing. */
export function diagnoseExit(exitCode: number | null): Diagnosis {
  if (exitCode === 137)
    return {
      word: 'exit 137',
      class: 'capacity',
      remedy: 'Ended by force without a word, most often for want of memory: hold workers against the memory limit.',
      recipe: 'host-memory',
    }
  if (exitCode === 135)
    return {
      word: 'exit 135',
      class: 'environment',
      remedy: 'Give the container more shared memory or use fewer loader workers.',
      recipe: 'host-memory',
    }
  if (exitCode === 127 || exitCode === 126)
    return {
      word: `exit ${exitCode}`,
      class: 'environment',
      remedy: 'The program of the plan cannot be started there: mend the environment.',
      recipe: 'collect-evidence',
    }
  if (exitCode === 143 || exitCode === 130)
    return {
      word: `exit ${exitCode}`,
      class: 'clock',
      remedy: 'It was asked to stop: launch again to resume it.',
      recipe: 'resume',
    }
  if (exitCode === 0)
    return {
      word: 'exit 0',
      class: 'invalid',
      remedy: 'It ended well without a result: look at what it writes before believing it.',
      recipe: 'parse-outputs',
    }
  return {
    word: `exit ${exitCode ?? 'unknown'}`,
    class: 'bug',
    remedy: 'Stop and read its log: the code or its configuration is wrong.',
    recipe: 'collect-evidence',
  }
}

/** Order in which several marks of one unit are believed: the root cause stands before the noise that follows it. */
export function mostTelling<T extends { readonly word: string }>(marks: readonly T[]): T | null {
  const order = symptoms.map(([, diagnosis]) => diagnosis.word)
  let best: T | null = null
  for (const mark of marks) if (best === null || order.indexOf(mark.word) < order.indexOf(best.word)) best = mark
  return best
}
