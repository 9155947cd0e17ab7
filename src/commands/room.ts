import type { ActContext, ActResult } from '../run/act.ts'
import { eachHost, type PerHost } from './hosts.ts'

type Claim = import('../artifact/room.ts').Claim

/**
 * Whether all that several hosts would send has room here, before the first byte of any: one after the other each would
 * fit, and the last would meet a full disk. A host that does not answer now is left out, and looked at by itself when it is
 * pulled from. Null: there is room. `files`: those that a person asked for.
 */
export async function noRoomTogether(ctx: ActContext, perHost: PerHost, files?: string): Promise<ActResult | null> {
  const [{ claimOf }, { checkSpaceTogether, NoSpace }] = await Promise.all([
    import('../transfer/room.ts'),
    import('../artifact/room.ts'),
  ])
  const found: Claim[] = []
  await eachHost(ctx, perHost, async (own) => {
    const claim = await claimOf(own, files)
    if (claim !== null) found.push(claim)
    return { summary: '', exitCode: 0, data: null }
  })
  // They answer in any order, and are named in one.
  const claims = found.toSorted((a, b) => (a.host < b.host ? -1 : 1))
  try {
    await checkSpaceTogether(claims)
    return null
  } catch (error) {
    if (!(error instanceof NoSpace)) throw error
    const hosts = Object.fromEntries(claims.map(({ host, folder, need }) => [host, { folder, ...need }]))
    return { summary: `${error.message} Nothing was pulled.`, exitCode: 1, data: { needs: hosts } }
  }
}
