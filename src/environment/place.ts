import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../host/types.ts'
import type { ActContext } from '../run/act.ts'
import { dataTier } from '../run/data-tier.ts'
import { environmentPlace, refusalOf, type Wanted, wantedEnvironment } from './rules.ts'
import type { EnvironmentPlace, Ready } from './types.ts'

export type Planned =
  | { readonly kind: 'nothing'; readonly words: string }
  | { readonly kind: 'refused'; readonly why: string; readonly exitCode: 1 | 4 }
  | {
      readonly kind: 'uv'
      readonly place: EnvironmentPlace
      readonly wanted: Extract<Wanted, { kind: 'uv' }>
      /** The list, as it lies in the project now. */
      readonly text: string
    }

type Context = Pick<ActContext, 'host' | 'profile' | 'signal' | 'loaded'>

/** What is to be installed for the plan of this act, and where on its host. Reads the list; installs nothing. */
export async function plannedEnvironment(ctx: Context): Promise<Planned> {
  const wanted = wantedEnvironment(ctx.loaded.plan, ctx.profile)
  if (wanted.kind === 'nothing') return wanted
  const text = await readFile(join(ctx.loaded.projectFolder, wanted.file), 'utf8').catch(() => null)
  if (text === null)
    return {
      kind: 'refused',
      why: `${wanted.file} is not there, or not readable: name the list in the plan.`,
      exitCode: 1,
    }
  const why = refusalOf(wanted.file, text, wanted)
  if (why !== null) return { kind: 'refused', why, exitCode: 1 }
  const tier = await dataTier(ctx)
  if ('reason' in tier)
    return { kind: 'refused', why: `It is not known where packages may lie: ${tier.reason}.`, exitCode: 4 }
  return { kind: 'uv', place: environmentPlace(tier.path, wanted, text), wanted, text }
}

export const readyFile = (place: EnvironmentPlace) => `${place.folder}/ready.json`

/** What was seen when this place was found right; null: it never was. */
export async function readReady(host: Host, place: EnvironmentPlace): Promise<Ready | null> {
  const bytes = await host.read(readyFile(place), 0, 64 * 1024)
  if (bytes === null) return null
  try {
    const found = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Ready>
    return found.version === 1 && found.key === place.key && typeof found.python === 'string' ? (found as Ready) : null
  } catch {
    return null
  }
}
