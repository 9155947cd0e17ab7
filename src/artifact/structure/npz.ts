import type { Checker } from './kit.ts'
import { Broken } from './kit.ts'
import { npyBytes, npyHeadBytes } from './npy.ts'
import { checkZip } from './zip.ts'

/** A zip with right sums whose members are .npy files of the size that their headers ask for. */
export const checkNpz: Checker = async (probe) => {
  const { members, checksums } = await checkZip(probe, {
    headBytes: npyHeadBytes,
    onHead: (member, head) => {
      if (!member.name.endsWith('.npy')) throw new Broken('a member is not a .npy file')
      const expected = npyBytes(head)
      if (expected !== member.bytes) throw new Broken(`a member has ${member.bytes} bytes, its header asks ${expected}`)
    },
  })
  probe.note(`${members.length} arrays: shape × item size = member size`)
  return { checksums }
}
