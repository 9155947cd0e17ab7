import type { HostIdentity } from '../../walk/proof.ts'
import { answerOf, oddAnswer, prologue, splitNul } from './answer.ts'
import type { RunScript } from './types.ts'

/** An instance is named by cloud-init, or by what its platform puts into the container. */
const script = `${prologue}kx_line() { kx_v=; [ -r "$1" ] && IFS= read -r kx_v <"$1"; printf '%s' "$kx_v"; }
kx_m=$(kx_line /etc/machine-id)
[ -n "$kx_m" ] || kx_m=$(kx_line /var/lib/dbus/machine-id)
kx_i=$(kx_line /var/lib/cloud/data/instance-id)
[ -n "$kx_i" ] || kx_i=\${RUNPOD_POD_ID:-\${CONTAINER_ID:-}}
[ -n "$kx_i" ] || kx_i=$(kx_line /root/.vast_containerlabel)
printf '%s\\0' "$kx_m" "$(kx_line /proc/sys/kernel/random/boot_id)" "$(uname -n)" "$(id -u)" "$kx_i"`

/** Which machine this is. What it does not say is null; a host name or user of another form is an error. */
export async function identityRemote(name: string, run: RunScript, signal?: AbortSignal): Promise<HostIdentity> {
  signal?.throwIfAborted()
  const doing = { verb: 'identify', path: name }
  const ran = await run(script, [], { timeoutSeconds: 15, ...(signal === undefined ? {} : { signal }) })
  signal?.throwIfAborted()
  const answer = answerOf(ran, doing)
  const parts = splitNul(answer)?.map((part) => new TextDecoder().decode(part))
  const [machine = '', boot = '', hostname = '', user = '', instance = ''] = parts ?? []
  if (parts?.length !== 5 || !/^[\w.:-]{1,255}$/.test(hostname) || !/^\d{1,10}$/.test(user))
    throw oddAnswer(doing, answer)
  return {
    host: name,
    hostname,
    machineId: /^[0-9a-f]{32}$/.test(machine) ? machine : null,
    bootId: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(boot) ? boot : null,
    user,
    ...(/^[\w.:-]{1,128}$/.test(instance) ? { instanceId: instance } : {}),
  }
}
