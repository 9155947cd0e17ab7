import { quantile } from '../estimate/quantile.ts'
import { viewAt } from '../walk/host-view.ts'
import type { Proof } from '../walk/proof.ts'
import { smokeEvidence } from './smoke-evidence.ts'
import type { Extrapolation, SmokeEvidence } from './types.ts'

/**
 * What has to be carried from the class of a smoke to the class of the hosts that the plan will run on. Null: the smoke ran on
 * one of them, or on their class. The factor is measured where both classes have a smoke of the same code, configuration and
 * data, and otherwise taken as one and said to be.
 */
export function extrapolationOf(
  proofs: readonly Proof[],
  smoke: Pick<Proof, 'host' | 'machineClass'>,
  hosts: readonly string[],
): Extrapolation | null {
  const views = hosts.map((host) => viewAt({ proofs }, host))
  const ranThere = views.some(
    ({ host, machineClass }) =>
      smoke.host?.host === host && (machineClass ?? smoke.machineClass) === smoke.machineClass,
  )
  if (ranThere || views.some(({ machineClass }) => machineClass !== null && machineClass === smoke.machineClass))
    return null
  // A record that names no host, where no class is known either, says nothing of where it ran.
  if (smoke.host === undefined && views.every(({ machineClass }) => machineClass === null)) return null
  const from = smoke.machineClass ?? 'unknown'
  const to = views.find(({ machineClass }) => machineClass !== null)?.machineClass ?? `${hosts[0]}, of unknown class`
  const pair = measuredPair(proofs, from, to)
  if (pair === null)
    return { from, to, factor: 1, source: 'assumed: no smoke of both classes is at hand', isFactorMeasured: false }
  return {
    from,
    to,
    factor: pair.factor,
    source: `units of two smokes, ${pair.samples} samples`,
    isFactorMeasured: true,
  }
}

function measuredPair(
  proofs: readonly Proof[],
  from: string,
  to: string,
): { readonly factor: number; readonly samples: number } | null {
  const smokes = proofs.filter((proof) => proof.kind === 'SmokeProof')
  for (const there of smokes.filter((proof) => proof.machineClass === to).toReversed()) {
    const here = smokes.findLast((proof) => proof.machineClass === from && isOfSame(proof, there))
    if (here === undefined) continue
    const a = smokeEvidence(here.payload).unitSeconds
    const b = smokeEvidence(there.payload).unitSeconds
    const [x, y] = [quantile(a, 0.5), quantile(b, 0.5)]
    if (x !== null && y !== null && x > 0 && y > 0) return { factor: y / x, samples: a.length + b.length }
  }
  return null
}

const isOfSame = (a: Proof, b: Proof) =>
  a.boundTo.code === b.boundTo.code && a.boundTo.config === b.boundTo.config && a.boundTo.data === b.boundTo.data

/** The evidence as it would be on the other class. Memory and sizes are those of the code, not of the machine. */
export function carried(smoke: SmokeEvidence, extrapolation: Extrapolation | null): SmokeEvidence {
  if (extrapolation === null) return smoke
  const times = (values: readonly number[]) => values.map((value) => value * extrapolation.factor)
  return { ...smoke, unitSeconds: times(smoke.unitSeconds), stepSeconds: times(smoke.stepSeconds) }
}

/** One line for screens and proofs. */
export function extrapolationText({ from, to, factor, source }: Extrapolation): string {
  return `extrapolated from ${from} to ${to}, times ${Number(factor.toPrecision(3))} (${source})`
}
