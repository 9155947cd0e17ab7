import type { Checker } from './kit.ts'
import { Broken, NotCheckable, startsWith } from './kit.ts'
import { checkZip } from './zip.ts'

/**
 * torch.save's zip: one folder with `data.pkl` and the storages. torch.load does not compare the sums, so this finds
 * what it does not (handbook ssh 9.4). The pickle is never loaded.
 */
export const checkTorch: Checker = async (probe) => {
  const magic = await probe.take(0, Math.min(4, probe.bytes), 'signature')
  if (!startsWith(magic, 'PK\u0003\u0004')) {
    if (magic[0] === 0x80) throw new NotCheckable('a bare pickle (torch before 1.6): it is never loaded here')
    throw new Broken('the zip signature is missing')
  }
  const { members, checksums } = await checkZip(probe, { allowsMissingSums: true })
  const folders = new Set(members.map((member) => member.name.split('/')[0]))
  if (folders.size !== 1) throw new Broken('members lie in more than one folder')
  const has = (name: string) => members.some((member) => member.name.split('/').slice(1).join('/') === name)
  if (!has('data.pkl') || !has('version')) throw new Broken('data.pkl or version is missing')
  probe.note('data.pkl and version are there; the pickle was not loaded')
  return { checksums }
}
