import { createSshHost } from '../../../src/host/ssh/host.ts'
import { needsSshd, startSshd } from '../../harness/sshd.ts'
import { describeHost } from '../host-contract.ts'
import { hopTo, trusting } from './support.ts'

if (!needsSshd().skip)
  describeHost('a machine behind ssh2', async () => {
    const sshd = await startSshd()
    const host = createSshHost({ name: 'box', hops: [hopTo(sshd)], verify: trusting(sshd) })
    return {
      host,
      stop: async () => {
        await host.close()
        await sshd.stop()
      },
    }
  })
