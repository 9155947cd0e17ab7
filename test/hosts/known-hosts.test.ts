import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import ssh2 from 'ssh2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  checkHostKey,
  type HostKeyKind,
  keysNamed,
  preferredHostKeyAlgorithms,
} from '../../src/host/ssh/known-hosts.ts'
import { addHostKey, replaceHostKey } from '../../src/host/ssh/known-hosts-edit.ts'
import { parseKnownHosts, readKnownHostsFiles } from '../../src/host/ssh/known-hosts-file.ts'
import { failClosedVerifier } from '../../src/host/ssh/known-hosts-guard.ts'
import { hashName } from '../../src/host/ssh/known-hosts-match.ts'
import { serverHostKey } from '../harness/host-key.ts'
import { needsSshd } from '../harness/sshd.ts'
import { blobOf, dsaKey, ecdsaKey, ed25519Key, type MadeKey, rsaKey, skKey } from '../unit/host/ssh/keys.ts'
import { hostileDecisions } from './ssh/hostile-decisions.ts'

const run = promisify(execFile)
const isFull = process.env.KX_FULL === '1' || process.env.KX_FAULTS_FULL === '1'
const seed = Number(process.env.KX_SEED ?? 20_260_101)
const keygenCases = isFull ? 2000 : 200
const sshCases = isFull ? 2000 : 60
const { skip } = needsSshd()
const sshdPath = ['/usr/sbin/sshd', '/usr/bin/sshd', '/usr/local/sbin/sshd'].find((path) => existsSync(path)) ?? 'sshd'

let folder: string
/** Keys that a real server can show, with their private halves in files. */
let served: readonly (MadeKey & { readonly path: string })[]
let keys: readonly MadeKey[]

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-known-'))
  if (skip) return
  // Privilege separation wants this folder when sshd runs as root.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  served = (['ed25519', 'ecdsa', 'rsa'] as const).map((type) => {
    const path = join(folder, `host-${type}`)
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', path, ...(type === 'rsa' ? ['-b', '2048'] : [])])
    const [line = '', base64 = ''] = readFileSync(`${path}.pub`, 'utf8').split(' ')
    writeFileSync(`${path}.conf`, `HostKey ${path}\nUsePAM no\nPidFile none\nStrictModes no\n`)
    return { type: line, base64, path }
  })
  keys = [...served, ed25519Key(), ecdsaKey(384), ecdsaKey(521), rsaKey(), rsaKey(1024), skKey(), dsaKey()]
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Small and seeded: the shape of a case comes from its number (salts and keys do not; a failure prints the case whole). */
function randomOf(start: number): () => number {
  let state = (start ^ 0x9e3779b9) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Case {
  readonly host: string
  readonly port: number
  readonly alias: string | null
  readonly user: Buffer
  readonly global: Buffer
  readonly shown: MadeKey & { readonly path: string }
}

const hosts = [
  'box',
  'gpu-1.example.org',
  'gpu-2.example.org',
  '10.0.0.7',
  '192.168.1.20',
  'fe80::1',
  '2001:db8::a:1',
  'a_b',
]

function makeCase(number: number): Case {
  const random = randomOf(seed + number * 7919)
  const below = (n: number) => Math.floor(random() * n)
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T
  const chance = (p: number) => random() < p
  const host = pick(hosts)
  const port = pick([22, 22, 2222, 2222, 2200])
  const alias = chance(0.12) ? pick(['Alias', 'box', 'gpu-9', '[box]:2222']) : null
  const shown = pick(served)
  const target = alias ?? (port === 22 ? host : `[${host}]:${port}`)
  const caseOf = (name: string) => (chance(0.15) ? name.toUpperCase() : name)

  const oneName = (): string => {
    const base = pick([target, target, target, host, host, pick(hosts), `[${host}]:22`, `[${host}]:2200`, 'other'])
    switch (below(12)) {
      case 0:
        return hashName(base.toLowerCase())
      case 1:
        return hashName(base)
      case 2:
        return '*'
      case 3:
        return base.slice(0, below(base.length) + 1) + pick(['*', '?', '**', '*?', '?*'])
      case 4:
        return `${pick(['*', '?', '*.'])}${base.slice(below(base.length))}`
      case 5:
        return base.replace(/[0-9a-z]/, '?')
      case 6:
        return base + pick(['.', 'x', ' ', ''])
      default:
        return caseOf(base)
    }
  }
  const names = (): string => {
    if (chance(0.06))
      return pick([
        '|1|',
        '|1|x|y',
        `|1|${randomBytes(20).toString('base64')}|`,
        '|',
        '|2|aa|bb',
        `|1|${'A'.repeat(1100)}|x`,
      ])
    if (chance(0.03)) return `${'x'.repeat(pick([1021, 1022, 1023, 1024]))},${target}`
    if (chance(0.03)) return `${target},${'x'.repeat(pick([1022, 1023]))}`
    const list = Array.from({ length: pick([1, 1, 1, 2, 3]) }, () => (chance(0.12) ? '!' : '') + oneName())
    return list.join(pick([',', ',', ',', ',,'])) + (chance(0.03) ? ',' : '')
  }
  const key = (): MadeKey => (chance(0.55) ? shown : pick(keys))
  const keyText = (): string => {
    const { type, base64 } = key()
    const blob = Buffer.from(base64, 'base64')
    switch (below(28)) {
      case 0:
        return `${pick(['ssh-rsa', 'ssh-ed25519', 'rsa-sha2-256', 'rsa-sha2-512', 'RSA', 'ED25519', 'nonsense'])} ${base64}`
      case 1:
        return `${type} ${base64.slice(0, below(base64.length))}`
      case 2:
        return `${type} ${Buffer.concat([blob, randomBytes(below(3))]).toString('base64')}`
      case 3:
        return type
      case 4:
        return `${type} ${base64}=`
      case 5:
        return `1024 65537 ${'9'.repeat(300)}`
      case 6:
        return `${type.toUpperCase()} ${base64}`
      case 7:
        // The same key with another spelling of its type within.
        return type === 'ssh-ed25519'
          ? `${type} ${blobOf(pick(['ED25519', 'ed25519', 'ssh-rsa']), blob.subarray(-32)).toString('base64')}`
          : type === 'ssh-rsa'
            ? `${pick([type, 'rsa-sha2-256'])} ${blobOf(pick(['RSA', 'rsa-sha2-512', 'rsa']), ...rsaParts(blob)).toString('base64')}`
            : `${type} ${base64}`
      case 9:
        // Bits that are beyond the last byte, and padding in odd places.
        return `${type} ${pick([spareBits(base64), `${base64}====`, `${base64.replace(/=+$/, '')}`, `${base64.slice(0, 40)}=${base64.slice(40)}`])}`
      case 8:
        return `${type} ${base64.slice(0, 20)}${pick(['\r', '\v', '\f', '!', '\x80'])}${base64.slice(20)}`
      default:
        return `${type}${pick([' ', ' ', '\t', '   '])}${base64}`
    }
  }
  const line = (): string => {
    if (chance(0.06))
      return pick(['', '#', '# comment', '  # x', '\t', '\r', 'lonely', '@revoked', '@cert-authority', '!'])
    const marker = chance(0.2)
      ? pick([
          '@revoked ',
          '@revoked ',
          '@cert-authority ',
          '@revoked\t',
          '@Revoked ',
          '@ ',
          '@@revoked ',
          '@revoked @revoked ',
          '@nonsense ',
        ])
      : ''
    const lead = chance(0.1) ? pick([' ', '\t', ' \t ', '\v']) : ''
    const tail = pick(['', '', '', ' me@there', ' # x', '\t', '\r', ' c\r', ' \xff\xfe'])
    return `${lead}${marker}${names()}${pick([' ', ' ', '\t', '  '])}${keyText()}${tail}`
  }
  const text = (lines: number) =>
    Buffer.from(Array.from({ length: lines }, () => `${line()}${chance(0.03) ? '\r' : ''}\n`).join(''), 'latin1')
  return { host, port, alias, shown, user: text(below(6)), global: text(below(3)) }
}

/** The same bytes, written with a last letter that holds more than them. */
function spareBits(base64: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return base64.replace(/(.)(=+)$/, (_, last: string, pad: string) => (letters[letters.indexOf(last) + 1] ?? 'A') + pad)
}

function rsaParts(blob: Buffer): readonly Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at + 4 <= blob.length; ) {
    const length = blob.readUInt32BE(at)
    parts.push(blob.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return parts.slice(1)
}

/** Runs jobs two at a time: as many as a small machine has cores. */
async function inPairs(count: number, job: (i: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await job(next++)
  }
  await Promise.all([worker(), worker()])
}

const outcome = async (program: string, argv: readonly string[]) => {
  try {
    const { stdout, stderr } = await run(program, argv, { timeout: 30_000, encoding: 'latin1' })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const failed = error as { code?: unknown; stdout?: string; stderr?: string }
    return { code: failed.code, stdout: failed.stdout ?? '', stderr: failed.stderr ?? '' }
  }
}

const describeCase = (made: Case) =>
  `${made.alias ?? made.host}:${made.port} shows ${made.shown.type}\n${made.user.toString('latin1')}--\n${made.global.toString('latin1')}`

describe.skipIf(skip)('known_hosts beside the real programs', () => {
  it(`finds what ssh-keygen -F finds, in ${keygenCases} generated files`, { timeout: 600_000 }, async () => {
    let found = 0
    const wrong: string[] = []
    await inPairs(keygenCases, async (i) => {
      const made = makeCase(i)
      const path = join(folder, `keygen-${i}`)
      const bytes = Buffer.concat([made.user, made.global])
      writeFileSync(path, bytes)
      const name = (made.alias ?? (made.port === 22 ? made.host : `[${made.host}]:${made.port}`)).toLowerCase()
      const theirs = await outcome('ssh-keygen', ['-F', name, '-l', '-f', path])
      rmSync(path)
      const listed = [...theirs.stdout.matchAll(/^# Host .* found: line (\d+)(?: (\w+))? *\n.*? (SHA256:\S+)/gm)]
      const ours = keysNamed(parseKnownHosts(bytes, path), name)
      const lines = (list: readonly (readonly unknown[])[]) => list.map((one) => one.join(' ')).join(', ')
      const a = lines(listed.map(([, line, marker, print]) => [line, marker ?? '', print]))
      const markers = { none: '', revoked: 'REVOKED', 'cert-authority': 'CA' } as const
      const b = lines(ours.map((k) => [k.line, markers[k.marker], k.fingerprint]))
      if (ours.length > 0) found++
      if (a !== b || (theirs.code === 0) !== ours.length > 0)
        wrong.push(`case ${i}: ssh-keygen ${theirs.code} [${a}], kx [${b}]\n${describeCase(made)}`)
    })
    console.log(`known_hosts: ${keygenCases} cases beside ssh-keygen -F, ${found} found, ${wrong.length} disagreements`)
    expect(wrong).toEqual([])
    // The generator is worth something only when both answers come up.
    expect(found).toBeGreaterThan(keygenCases / 5)
    expect(found).toBeLessThan(keygenCases)
  })

  it(`judges ${sshCases} generated hosts as a strict ssh does before a real sshd`, { timeout: 1_800_000 }, async () => {
    const seen = new Map<HostKeyKind, number>()
    const wrong: string[] = []
    const all = [...corners(), ...Array.from({ length: sshCases }, (_, i) => makeCase(100_000 + i))]
    await inPairs(all.length, async (i) => {
      const made = all[i] as Case
      const ours = kindByKx(made, i)
      seen.set(ours, (seen.get(ours) ?? 0) + 1)
      const { kind: theirs, stderr } = await kindBySsh(made, i)
      // kx sends hosts of a certificate authority to ssh; a plain key is unknown to ssh too.
      if (theirs !== (ours === 'needs-openssh' ? 'unknown' : ours))
        wrong.push(`case ${i}: ssh ${theirs}, kx ${ours}\n${stderr}\n${describeCase(made)}`)
    })
    const kinds = [...seen].map(([kind, count]) => `${count} ${kind}`).join(', ')
    console.log(`known_hosts: ${all.length} cases beside a strict ssh (${kinds}), ${wrong.length} disagreements`)
    expect(wrong).toEqual([])
    for (const kind of ['match', 'changed', 'revoked', 'unknown'] as const)
      expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(0)
  })

  it('asks first for the type of key that is known, so that the server shows that one', async () => {
    const conf = join(folder, 'all.conf')
    writeFileSync(conf, `${served.map((k) => `HostKey ${k.path}`).join('\n')}\nUsePAM no\nPidFile none\n`)
    for (const key of served) {
      const file = join(folder, 'order')
      writeFileSync(file, `[box]:2222 ${key.type} ${key.base64}\n`)
      const files = readKnownHostsFiles([file])
      const target = { host: 'box', port: 2222 }
      const algorithms = preferredHostKeyAlgorithms(files, target).join(',')
      const argv = ['-v', '-F', 'none', '-o', `HostKeyAlgorithms=${algorithms}`, '-o', 'StrictHostKeyChecking=yes']
      const more = ['-o', `UserKnownHostsFile=${file}`, '-o', 'GlobalKnownHostsFile=none', '-o', 'BatchMode=yes']
      const proxy = [
        '-p',
        '2222',
        '-o',
        `ProxyCommand=${sshdPath} -i -f ${conf}`,
        '-o',
        'PreferredAuthentications=none',
      ]
      const { stderr } = await outcome('ssh', [...argv, ...more, ...proxy, 'box', 'true'])
      expect(/Server host key: (\S+)/.exec(stderr)?.[1]).toBe(key.type)
      expect(sshKind(stderr)).toBe('match')
    }
  })

  it('writes lines that ssh-keygen finds, and takes them out again', async () => {
    const [a, b] = served
    if (a === undefined || b === undefined) throw new Error('no keys')
    for (const isHashed of [false, true]) {
      const path = join(folder, `written-${isHashed}`)
      for (const [host, port] of [
        ['box', 22],
        ['2001:db8::1', 2200],
        ['10.0.0.1', 2222],
      ] as const) {
        expect(addHostKey(path, { host, port }, a, { isHashed })).toBe('added')
        const name = port === 22 ? host : `[${host}]:${port}`
        expect((await outcome('ssh-keygen', ['-F', name, '-f', path])).stdout).toContain(a.base64)
        replaceHostKey(path, { host, port }, b, { isHashed, atMs: 0 })
        const after = (await outcome('ssh-keygen', ['-F', name, '-f', path])).stdout
        expect(after).toContain(b.base64)
        expect(after).not.toContain(a.base64)
      }
    }
  })
})

/** One case a rule that chance may pass over in a short pick. */
function corners(): readonly Case[] {
  const [shown, other] = served
  if (shown === undefined || other === undefined) throw new Error('no keys')
  const text = (key: MadeKey) => `${key.type} ${key.base64}`
  const at = (port: number, user: readonly string[], global: readonly string[] = []): Case => {
    const bytes = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1')
    return { host: 'box', port, alias: null, shown, user: bytes(user), global: bytes(global) }
  }
  const [key, wrong] = [text(shown), text(other)]
  return [
    at(2222, [`box ${wrong}`]),
    at(2222, [`box ${wrong}`, `box ${key}`]),
    at(2222, [`[box]:2222 ${wrong}`, `box ${key}`]),
    at(2222, [`[box]:2222 ${key}`, `@revoked box ${key}`]),
    at(2222, [`box ${key}`, `@revoked box ${key}`]),
    at(2222, [`box ${key}`, `@revoked [box]:2222 ${key}`]),
    at(22, [`box ${key}`], [`@revoked * ${key}`]),
    at(22, [`box ${wrong}`], [`box ${key}`]),
    at(22, [`@revoked\tbox ${key}`, `box ${key}`]),
    at(22, [`@revoked\tbox\t${key.replace(' ', '\t')}`, `box ${key}`]),
    at(22, [`@cert-authority * ${key}`]),
    at(22, [`*,!box ${key}`]),
    at(22, [`${hashName('box')} ${key}`]),
    at(22, [`[box]:22 ${key}`]),
  ]
}

function kindByKx(made: Case, i: number): HostKeyKind {
  const [user, global] = [join(folder, `kx-user-${i}`), join(folder, `kx-global-${i}`)]
  writeFileSync(user, made.user)
  writeFileSync(global, made.global)
  const files = readKnownHostsFiles([user, global])
  rmSync(user)
  rmSync(global)
  return checkHostKey(files, { host: made.host, port: made.port, hostKeyAlias: made.alias }, made.shown).kind
}

/** What a strict ssh makes of it, before a real sshd that shows this very key on its standard input and output. */
async function kindBySsh(made: Case, i: number) {
  const [user, global] = [join(folder, `user-${i}`), join(folder, `global-${i}`)]
  writeFileSync(user, made.user)
  writeFileSync(global, made.global)
  const options = [
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${user}`,
    `GlobalKnownHostsFile=${global}`,
    'PreferredAuthentications=none',
    'BatchMode=yes',
    'UpdateHostKeys=no',
    `Port=${made.port}`,
    `ProxyCommand=${sshdPath} -i -f ${made.shown.path}.conf`,
    ...(made.alias === null ? [] : [`HostKeyAlias=${made.alias}`]),
  ]
  const { stderr } = await outcome('ssh', ['-F', 'none', ...options.flatMap((o) => ['-o', o]), '--', made.host, 'true'])
  rmSync(user)
  rmSync(global)
  return { kind: sshKind(stderr), stderr }
}

function sshKind(stderr: string): HostKeyKind | 'unclear' {
  if (stderr.includes('REVOKED HOST KEY DETECTED')) return 'revoked'
  if (stderr.includes('REMOTE HOST IDENTIFICATION HAS CHANGED')) return 'changed'
  if (/No \S+ host key is known for .* and you have requested strict checking/.test(stderr)) return 'unknown'
  if (stderr.includes('Permission denied')) return 'match'
  return 'unclear'
}

describe('the host check of ssh2', () => {
  const hostKey = serverHostKey()

  /** Whether ssh2 goes on after the host key, with this verifier, against a server of its own. */
  async function isAccepted(verifier: ReturnType<typeof failClosedVerifier>): Promise<boolean> {
    const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
      client.on('authentication', (context) => context.accept())
      client.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const client = new ssh2.Client()
    try {
      return await new Promise<boolean>((resolve) => {
        client.on('ready', () => resolve(true))
        client.on('error', () => resolve(false))
        const port = typeof address === 'object' && address !== null && 'port' in address ? address.port : 0
        client.connect({ host: '127.0.0.1', port, username: 'x', password: 'x', hostVerifier: verifier })
      })
    } finally {
      client.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    }
  }

  it('is met: only a literal true connects', async () => {
    expect(await isAccepted(failClosedVerifier(() => true))).toBe(true)
    expect(await isAccepted(failClosedVerifier(async () => true))).toBe(true)
  })

  const forms = Object.entries(hostileDecisions)
  it(`refuses ${forms.length} hostile forms over a real connection`, async () => {
    expect(forms.length).toBeGreaterThanOrEqual(30)
    const accepted: string[] = []
    const refused: string[] = []
    for (const [name, decide] of forms) {
      const onRefused = () => void refused.push(name)
      const verifier = failClosedVerifier(decide as () => boolean, { timeoutSeconds: 0.2, onRefused })
      if (await isAccepted(verifier)) accepted.push(name)
    }
    console.log(`host check: ${forms.length} hostile forms, ${accepted.length} accepted`)
    expect(accepted).toEqual([])
    expect(refused).toEqual(forms.map(([name]) => name))
  })

  it('would not be met without the guard, which is why there is one', async () => {
    const naked = (async () => false) as unknown as ReturnType<typeof failClosedVerifier>
    expect(await isAccepted(naked)).toBe(true)
  })
})
