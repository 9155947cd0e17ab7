import { join } from 'node:path'
import type { Host } from '../host/types.ts'
import type { Profile } from '../profile/schema.ts'
import { type Environment, resolveTierPath } from '../profile/tiers.ts'
import { unreadClocks } from '../run/read-clocks.ts'
import { readYaml } from '../text/yaml.ts'
import { sampleData, sampleFormat } from './data-sample.ts'
import type { LoadResult } from './load.ts'
import { normalised, valueAt } from './rules/config.ts'
import { scanForSecrets } from './rules/secret-scan.ts'
import type { ConfigFact, DataSample, Mention, PlanFacts } from './types.ts'

/** Words whose place in the code the rules ask about. */
const wantedWords = [
  'KX_SEED',
  'KX_CHECKPOINT_DIR',
  'env_fingerprint.json',
  'import torch',
  'use_deterministic_algorithms',
  'cudnn.deterministic',
  'CUBLAS_WORKSPACE_CONFIG',
] as const

/** Small project files that the rules read. */
const wantedFiles = [
  'requirements.txt',
  'pyproject.toml',
  'environment.yml',
  'environment.yaml',
  'Pipfile',
  'poetry.lock',
  'package.json',
  'Dockerfile',
  '.dockerignore',
  'Makefile',
  'makefile',
  'justfile',
  'Taskfile.yml',
  'noxfile.py',
  'tox.ini',
] as const

const textLimitBytes = 1024 * 1024
const scanBudgetBytes = 64 * 1024 * 1024
const sampleWholeBytes = 4 * 1024 * 1024
const samplePieceBytes = 512 * 1024

export interface FactsInput {
  readonly read: Extract<LoadResult, { ok: true }>
  readonly profile: Profile
  /** This machine: the project lies here, wherever the run will. */
  readonly host: Pick<Host, 'exec' | 'read' | 'stat' | 'list'>
  readonly env: Environment
  readonly nowMs: number
  readonly signal?: AbortSignal
}

/** Looks at the project once for all rules: files, git, config values, secrets, data samples, earlier runs. */
export async function gatherFacts(input: FactsInput): Promise<PlanFacts> {
  const { read, host } = input
  const { loaded, code, data } = read
  const { plan, projectFolder } = loaded
  const readText = async (path: string): Promise<string | null> => {
    const bytes = await host.read(join(projectFolder, path), 0, textLimitBytes).catch(() => null)
    return bytes === null ? null : new TextDecoder().decode(bytes)
  }

  const texts = new Map<string, string>()
  const locks = plan.environment.kind === 'image' ? [] : [plan.environment.lock, requirementsOf(plan.environment)]
  for (const path of [...wantedFiles, ...locks]) {
    if (path === undefined || texts.has(path)) continue
    const text = await readText(path)
    if (text !== null) texts.set(path, text)
  }
  const configs: ConfigFact[] = []
  for (const path of plan.configFiles) configs.push(readConfig(path, await readText(path)))

  const existing = new Set<string>()
  const paths = [
    ...plan.configFiles,
    ...locks.filter((l) => l !== undefined),
    ...[plan.command, ...plan.after.map((s) => s.command), plan.save?.command ?? []].flat().filter(isRelativeWord),
    ...plan.configChecks.flatMap((c) => {
      const value = c.form === 'exists' ? valueAt({ facts: { configs } as unknown as PlanFacts }, c.key) : undefined
      return typeof value === 'string' && isRelativeWord(value) ? [value] : []
    }),
  ]
  for (const path of new Set(paths.map(normalised)))
    if ((await host.stat(join(projectFolder, path)).catch(() => null)) !== null) existing.add(path)

  const scanned = await scanCode(
    input,
    plan.data.flatMap((d) => d.path ?? []),
  )
  return {
    unreadClocks: unreadClocks(input.profile, input.env),
    nowMs: input.nowMs,
    profile: input.profile,
    ownedMounts: input.profile.storage.tiers.flatMap((t) => resolveTierPath(t, input.env) ?? []),
    code: {
      paths: code.files.map((f) => f.path),
      bytes: code.files.reduce((sum, f) => sum + f.bytes, 0),
      refused: code.refused,
      source: code.source,
    },
    data,
    samples: await sampleAll(input),
    git: await gitFacts(input),
    texts,
    existing,
    configs,
    ...scanned,
    earlierRuns: await earlierRuns(input),
  }
}

const requirementsOf = (e: { kind: string; requirements?: string }): string | undefined => e.requirements
const isRelativeWord = (word: string): boolean =>
  word !== '' && word.length < 1024 && !word.startsWith('/') && !word.startsWith('-') && !word.split('/').includes('..')

function readConfig(path: string, text: string | null): ConfigFact {
  const failed = (reason: string): ConfigFact => ({ path, isRead: false, value: null, reason })
  if (text === null) return failed('not there, or not readable')
  if (/\.jsonc?$/i.test(path)) {
    try {
      return { path, isRead: true, value: JSON.parse(text), reason: null }
    } catch (error) {
      return failed(`not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}`)
    }
  }
  if (!/\.ya?ml$/i.test(path)) return failed('only JSON and YAML are read')
  const document = readYaml(text, path)
  if (document.ok) return { path, isRead: true, value: document.value, reason: null }
  const first = document.errors[0]
  return failed(`line ${first?.line ?? 1}: ${first?.message ?? 'not readable'}`)
}

/** One pass over the code: secrets, and where the words stand that rules ask about. Data are not searched for words. */
async function scanCode(
  input: FactsInput,
  dataPaths: readonly string[],
): Promise<Pick<PlanFacts, 'mentions' | 'secrets' | 'scan'>> {
  const mentions = new Map<string, Mention>()
  const secrets: (Mention & { kind: string })[] = []
  const { loaded, code } = input.read
  let files = 0
  let skipped = 0
  let budget = scanBudgetBytes
  const planName = loaded.file.startsWith(`${loaded.projectFolder}/`)
    ? loaded.file.slice(loaded.projectFolder.length + 1)
    : null
  const names = [...(planName === null ? [] : [{ path: planName, bytes: 0 }]), ...code.files]
  for (const { path, bytes } of names) {
    input.signal?.throwIfAborted()
    if (dataPaths.some((d) => path === d || path.startsWith(`${d}/`))) continue
    if (bytes > textLimitBytes || budget <= 0) {
      skipped++
      continue
    }
    const raw = await input.host.read(join(loaded.projectFolder, path), 0, textLimitBytes).catch(() => null)
    if (raw === null || raw.subarray(0, 8192).includes(0)) {
      skipped++
      continue
    }
    budget -= raw.byteLength
    files++
    const text = new TextDecoder().decode(raw)
    for (const found of scanForSecrets(text)) secrets.push({ path, ...found })
    if (path === planName) continue
    for (const word of wantedWords) {
      const at = mentions.has(word) ? -1 : text.indexOf(word)
      if (at >= 0) mentions.set(word, { path, line: text.slice(0, at).split('\n').length })
    }
  }
  return { mentions, secrets, scan: { files, skipped } }
}

async function sampleAll(input: FactsInput): Promise<DataSample[]> {
  const samples: DataSample[] = []
  for (const fact of input.read.data) {
    const format = sampleFormat(fact.name)
    if (fact.kind !== 'file' || fact.bytes === null || format === null) continue
    const bytes = fact.bytes
    // A JSON document means something only as a whole.
    if (format === 'json' && bytes > sampleWholeBytes) continue
    const path = join(input.read.loaded.projectFolder, fact.name)
    const spans =
      bytes <= sampleWholeBytes
        ? [{ offset: 0, length: Math.max(1, bytes) }]
        : [0, Math.floor(bytes / 2), bytes - samplePieceBytes].map((offset) => ({ offset, length: samplePieceBytes }))
    const pieces: { text: string; isStart: boolean; isEnd: boolean }[] = []
    for (const { offset, length } of spans) {
      const raw = await input.host.read(path, offset, length).catch(() => null)
      if (raw !== null)
        pieces.push({
          text: new TextDecoder().decode(raw),
          isStart: offset === 0,
          isEnd: offset + raw.byteLength >= bytes,
        })
    }
    if (pieces.length > 0) samples.push(sampleData(fact.name, format, bytes, pieces))
  }
  return samples
}

async function gitFacts(input: FactsInput): Promise<PlanFacts['git']> {
  const cwd = input.read.loaded.projectFolder
  const git = async (...words: string[]): Promise<string | null> => {
    const result = await input.host
      .exec(['git', ...words], { cwd, timeoutSeconds: 20, maxBytes: 32 * 1024 * 1024 })
      .catch(() => null)
    if (result === null || result.ending.kind !== 'exited' || result.ending.code !== 0) return null
    return new TextDecoder().decode(result.stdout)
  }
  const tracked = await git('ls-files', '-z', '--cached')
  if (tracked === null) return null
  const status = await git('status', '--porcelain', '--', '.')
  return {
    commit: (await git('rev-parse', '--verify', '-q', 'HEAD'))?.trim() ?? null,
    isDirty: status === null ? null : status.trim() !== '',
    tracked: new Set(tracked.split('\0').filter((n) => n !== '')),
  }
}

/** How large earlier runs of this project were, from the plan proofs in their journals. At most the newest fifty. */
async function earlierRuns(input: FactsInput): Promise<PlanFacts['earlierRuns']> {
  const folder = join(input.read.loaded.projectFolder, '.kx/runs')
  const entries = (await input.host.list(folder).catch(() => null)) ?? []
  const folders = entries.filter((e) => e.kind === 'folder').sort((a, b) => b.mtimeMs - a.mtimeMs)
  const found: PlanFacts['earlierRuns'][number][] = []
  for (const { path } of folders.slice(0, 50)) {
    const raw = await input.host.read(join(path, 'journal.jsonl'), 0, textLimitBytes).catch(() => null)
    if (raw === null) continue
    const lines = new TextDecoder().decode(raw).split('\n')
    // A run that was only planned is no step of a ladder: something must have been launched.
    if (!lines.some((l) => l.includes('"kind":"Receipt"'))) continue
    for (const line of lines) {
      if (!line.includes('"kind":"PlanDigest"')) continue
      try {
        const record = JSON.parse(line) as {
          payload?: { payload?: { unitCount?: unknown }; boundTo?: { code?: unknown } }
        }
        const unitCount = record.payload?.payload?.unitCount
        const codeSha256 = record.payload?.boundTo?.code
        if (typeof unitCount === 'number' && typeof codeSha256 === 'string')
          found.push({ runId: path.split('/').at(-1) ?? path, unitCount, codeSha256 })
      } catch {
        // A torn line; the journal's own reader says so.
      }
    }
  }
  return found
}
