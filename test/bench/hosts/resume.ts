import { join } from 'node:path'
import { pullFiles } from '../../../src/artifact/pull-files.ts'
import { expandRoster } from '../../../src/artifact/roster.ts'
import { type LinkProxy, startProxy } from '../../harness/link-proxy.ts'
import type { HostsBenchSizes } from '../hosts.ts'
import { tidy } from '../stats.ts'
import { makeLarge } from './files.ts'
import { openPlace } from './place.ts'

/**
 * One large file that does not come through in one go: how many bytes go over the link beyond those of the file, as a
 * share of it. Counted by the proxy in between, so that hashes, commands and what SSH adds are in it too.
 */
export async function resume({ mib }: HostsBenchSizes) {
  const place = await openPlace()
  let proxy: LinkProxy | null = null
  try {
    proxy = await startProxy(place.sshd.port)
    const between = proxy
    const bytes = mib * 1024 * 1024
    const source = join(place.folder, 'box')
    makeLarge(source, mib)
    const pull = async (into: string, signal: AbortSignal, onBytes: (moved: number) => void) => {
      const host = place.host(between.port)
      try {
        const declared = [{ glob: '**/*.bin', kind: 'other', minimumCount: 1, minimumBytes: 1 }] as const
        const { files } = await expandRoster(host, source, declared, signal)
        let moved = 0
        const [pulled] = await pullFiles(host, source, files, join(place.folder, into), {
          signal,
          onBytes: (more) => {
            moved += more
            onBytes(moved)
          },
        })
        if (pulled?.status !== 'copied') throw new Error(`not copied: ${pulled?.reason}`)
        return pulled
      } finally {
        await host.close()
      }
    }
    // The link is reset at a third and at two thirds: the same pull goes on.
    const before = between.passedBytes
    const cuts = [bytes / 3, (2 * bytes) / 3]
    await pull('cut', new AbortController().signal, (moved) => {
      if (moved < (cuts[0] ?? Number.POSITIVE_INFINITY)) return
      cuts.shift()
      between.cut()
    })
    const cutBeyond = between.passedBytes - before - bytes
    // kx itself is ended half-way: another one goes on.
    const stop = new AbortController()
    await pull('ended', stop.signal, (moved) => {
      if (moved >= bytes / 2) stop.abort()
    }).catch(() => {})
    const then = between.passedBytes
    const { resumedBytes } = await pull('ended', new AbortController().signal, () => {})
    const endedBeyond = between.passedBytes - then - (bytes - resumedBytes)
    const percent = (beyond: number) => tidy((100 * beyond) / bytes, 3)
    return {
      mib,
      cutTwice: { beyondBytes: cutBeyond, beyondPercent: percent(cutBeyond) },
      endedHalfWay: { resumedBytes, beyondBytes: endedBeyond, beyondPercent: percent(endedBeyond) },
    }
  } finally {
    await proxy?.stop()
    await place.stop()
  }
}
