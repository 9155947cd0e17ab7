import { known, type Reading, unknown } from './value.ts'

export interface Mount {
  readonly point: string
  readonly type: string
  readonly source: string
  readonly isReadOnly: boolean
  /** `major:minor` of the device. */
  readonly device: string
}

/** Undoes the octal escapes of the mount tables (`\040` space, `\011` tab, `\012` newline, `\134` backslash). */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** Parses `/proc/self/mountinfo` (proc(5)). Lines that are cut or malformed are left out. */
export function parseMountinfo(text: string): readonly Mount[] {
  const found: Mount[] = []
  for (const line of text.split('\n')) {
    const dash = line.indexOf(' - ')
    if (dash < 0) continue
    const before = line.slice(0, dash).split(' ')
    const after = line.slice(dash + 3).split(' ')
    const [, , device, , point, options] = before
    const [type, source, superOptions] = after
    if (!device || !/^\d+:\d+$/.test(device) || !point?.startsWith('/') || !options || !type || source === undefined)
      continue
    const isReadOnly = options.split(',').includes('ro') || (superOptions ?? '').split(',').includes('ro')
    found.push({ point: unescapeOctal(point), type, source: unescapeOctal(source), isReadOnly, device })
  }
  return found
}

/** The mount that a path lies on: the longest mount point above it, the last one where several are stacked. */
export function mountOf(mounts: readonly Mount[], path: string): Reading<Mount> {
  let best: Mount | undefined
  for (const mount of mounts) {
    const isAbove = mount.point === '/' || path === mount.point || path.startsWith(`${mount.point}/`)
    if (isAbove && (best === undefined || mount.point.length >= best.point.length)) best = mount
  }
  return best === undefined ? unknown(`no mount found for ${path}`) : known(best)
}
