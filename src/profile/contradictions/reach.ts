import { type Found, type Rule, wrong } from './found.ts'

export const spot: Rule = ({ spot: { available, graceSeconds }, interruption }) => {
  if (available && graceSeconds === null)
    return [
      wrong(
        'spot-grace',
        ['spot', 'graceSeconds'],
        'spot machines are taken away, and no grace is given',
        'Write the seconds between notice and end; 0 where there is no notice',
      ),
    ]
  if (graceSeconds !== null && graceSeconds > 0 && /^none[.]?$/i.test(interruption.notice.trim()))
    return [
      wrong(
        'spot-grace',
        ['interruption', 'notice'],
        `says none, and the grace is ${graceSeconds} s`,
        'Say what comes, and how long before',
      ),
    ]
  return []
}

export const detach: Rule = ({ detach: ways, kind, daemon, launch, overrides }) => {
  const found: Found[] = []
  const at = ['detach']
  if (ways.includes('none') && ways.length > 1)
    found.push(wrong('detach', at, 'none stands beside other ways', 'Take one of the two out'))
  if (ways.includes('none') && daemon.survivesDisconnect)
    found.push(
      wrong(
        'detach',
        ['daemon', 'survivesDisconnect'],
        'nothing detaches here, so nothing outlives the link',
        'Write false',
      ),
    )
  const needed = { slurm: 'sbatch', kubernetes: 'k8s-job' } as const
  if ((kind === 'slurm' || kind === 'kubernetes') && !ways.includes(needed[kind]))
    found.push(wrong('detach', at, `a ${kind} platform detaches by ${needed[kind]}`, `Add ${needed[kind]}`))
  if (ways.includes('onstart') && launch.startScriptReruns === false)
    found.push(
      wrong(
        'detach',
        at,
        'onstart rests on a start script that runs again, and launch.startScriptReruns is false',
        'Correct one of the two',
      ),
    )
  // tmux and setsid never outlive a reboot; a unit does only when it is enabled (handbook platforms 7).
  const ofTheBox: readonly string[] = ['tmux', 'setsid', 'none', 'kaggle-commit']
  if (daemon.survivesReboot && ways.every((way) => ofTheBox.includes(way)))
    found.push(wrong('detach', ['daemon', 'survivesReboot'], `${ways.join(', ')} end with the machine`, 'Write false'))
  const chosen = overrides.DETACH
  if (chosen !== undefined && chosen !== '' && !chosen.startsWith('/') && !ways.some((way) => way === chosen))
    found.push(
      wrong('detach', ['overrides', 'DETACH'], `${chosen} is not in detach`, `Write one of ${ways.join(', ')}`),
    )
  return found
}

export const network: Rule = ({ network: { ssh, user, environmentReachesSsh }, kind }) => {
  const found: Found[] = []
  const hasNone = ssh.includes('none')
  if (hasNone && ssh.length > 1)
    found.push(wrong('ssh', ['network', 'ssh'], 'none stands beside other flavours', 'Take one of the two out'))
  if (hasNone && (kind === 'ssh' || kind === 'ssh-rental' || kind === 'slurm'))
    found.push(
      wrong(
        'ssh',
        ['network', 'ssh'],
        `a platform of kind ${kind} is reached by SSH`,
        'Say which flavour: direct, proxied, basic',
      ),
    )
  if (!hasNone && user === null)
    found.push(wrong('ssh', ['network', 'user'], 'there is SSH, and no user', 'Write the user, or `yours`'))
  if (hasNone && environmentReachesSsh !== 'not-applicable')
    found.push(
      wrong('ssh', ['network', 'environmentReachesSsh'], 'there is no SSH that it could reach', 'Write not-applicable'),
    )
  return found
}

export const mirrors: Rule = ({ chinaMirrorNeeded, mirrors: given }) => {
  if (chinaMirrorNeeded === 'yes' && given === undefined)
    return [
      wrong(
        'mirrors',
        ['chinaMirrorNeeded'],
        'mirrors are needed, and none is named',
        'Add `mirrors:` with their order',
      ),
    ]
  if (chinaMirrorNeeded === 'no' && given !== undefined)
    return [wrong('mirrors', ['mirrors'], 'no mirror is needed, and some are named', 'Correct one of the two')]
  return []
}
