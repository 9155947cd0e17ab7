import type { PerHost } from './hosts.ts'

/**
 * Where a smoke of several hosts runs: on the first audited host of each hardware class, one after the other, since drills
 * of hosts that share a machine would disturb each other's figures. A host of which nothing is known is a class of its own.
 */
export function smokedHosts(only: string | undefined): PerHost {
  return {
    only,
    atOnce: 1,
    choose: (state, hosts) => {
      const classes = new Set<string>()
      return hosts.filter((host) => {
        const audit = state.proofs.findLast((proof) => proof.kind === 'AuditReport' && proof.host?.host === host)
        const kind = audit?.machineClass ?? host
        if (classes.has(kind)) return false
        classes.add(kind)
        return true
      })
    },
  }
}
