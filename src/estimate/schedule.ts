/**
 * Seconds until all pieces are done when each free worker takes the longest piece left (longest-processing-time list
 * scheduling; at most 4/3 of the best possible). `busySeconds` are what workers still have to do before they are free.
 */
export function makespanSeconds(
  durations: readonly number[],
  workers: number,
  busySeconds: readonly number[] = [],
): number {
  const width = Math.max(1, Math.floor(workers))
  const loads = Array.from({ length: width }, (_, i) => busySeconds[i] ?? 0)
  // More running pieces than workers cannot be, but a late observation may say so: the rest queues up behind.
  const queue = [...busySeconds.slice(width), ...durations].sort((a, b) => b - a)
  for (const piece of queue) {
    let least = 0
    for (let i = 1; i < width; i++) if ((loads[i] ?? 0) < (loads[least] ?? 0)) least = i
    loads[least] = (loads[least] ?? 0) + piece
  }
  return Math.max(0, ...loads)
}

/** No schedule is shorter than this: max(longest piece, sum / workers) (handbook money 5.2). */
export function makespanLowerBoundSeconds(durations: readonly number[], workers: number): number {
  const width = Math.max(1, Math.floor(workers))
  let longest = 0
  let sum = 0
  for (const d of durations) {
    longest = Math.max(longest, d)
    sum += d
  }
  return Math.max(longest, sum / width)
}

/** The same for `count` pieces of equal length, without listing them. */
export function equalMakespanSeconds(pieceSeconds: number, count: number, workers: number): number {
  return Math.ceil(count / Math.max(1, Math.floor(workers))) * pieceSeconds
}
