import type { Checker, Probe } from './kit.ts'
import { Broken, NotCheckable, startsWith, u64, viewOf } from './kit.ts'
import { lookup3 } from './lookup3.ts'

const signature = '\u0089HDF\r\n\u001a\n'

/** The superblock stands at 0, 512, 1024, 2048, … behind a user block. */
async function superblockAt(probe: Probe): Promise<number> {
  for (let at = 0; at + 48 <= probe.bytes && at <= 2 ** 40; at = at === 0 ? 512 : at * 2)
    if (startsWith(await probe.take(at, 8, 'signature'), signature)) return at
  throw new Broken('the HDF5 signature is missing')
}

interface Superblock {
  readonly version: number
  readonly endAddress: number
  readonly rootAddress: number
  readonly hasChecksum: boolean
}

async function readSuperblock(probe: Probe, at: number): Promise<Superblock> {
  const head = await probe.take(at, Math.min(256, probe.bytes - at), 'superblock')
  const view = viewOf(head)
  const version = head[8] as number
  if (version > 3) throw new NotCheckable(`superblock version ${version} is not known here`)
  const isOld = version < 2
  const offsetBytes = head[isOld ? 13 : 9] as number
  if (offsetBytes !== 8 && offsetBytes !== 4) throw new NotCheckable(`addresses of ${offsetBytes} bytes`)
  const address = (from: number) => {
    if (from + offsetBytes > head.length) throw new Broken('the superblock is cut off')
    return offsetBytes === 8 ? u64(view, from, 'an address') : view.getUint32(from, true)
  }
  const base = isOld ? (version === 0 ? 24 : 28) : 12
  if (address(base) !== at) throw new Broken('the base address is not where the superblock is')
  if (isOld) {
    const rootEntry = base + 4 * offsetBytes
    return {
      version,
      endAddress: address(base + 2 * offsetBytes),
      rootAddress: address(rootEntry + offsetBytes),
      hasChecksum: false,
    }
  }
  const sumAt = base + 4 * offsetBytes
  if (sumAt + 4 > head.length) throw new Broken('the superblock is cut off')
  if (lookup3(head.subarray(0, sumAt)) !== view.getUint32(sumAt, true))
    throw new Broken('the checksum of the superblock is wrong')
  if (version === 3 && ((head[11] as number) & 5) !== 0) throw new Broken('the writer never closed the file')
  return {
    version,
    endAddress: address(base + 2 * offsetBytes),
    rootAddress: address(base + 3 * offsetBytes),
    hasChecksum: true,
  }
}

/** First object header, where the format gives it a mark of its own. */
async function checkRoot(probe: Probe, at: number, base: number, isOld: boolean): Promise<void> {
  const head = await probe.take(base + at, 16, 'root group')
  if (startsWith(head, 'OHDR')) return
  if (!isOld || head[0] !== 1 || head[1] !== 0) throw new Broken('the root group is damaged')
}

/** Signature, superblock with its checksum (version 2 and later), end-of-file address = size, root group there. */
export const checkHdf5: Checker = async (probe) => {
  const at = await superblockAt(probe)
  const block = await readSuperblock(probe, at)
  if (block.endAddress !== probe.bytes)
    throw new Broken(`the superblock says ${block.endAddress} bytes, the file has ${probe.bytes}`)
  await checkRoot(probe, block.rootAddress, at, block.version < 2)
  probe.note(`superblock version ${block.version}, end address = size, root group there`)
  if (block.hasChecksum) probe.note('checksum of the superblock right')
  return { checksums: block.hasChecksum ? 'some' : 'none' }
}
