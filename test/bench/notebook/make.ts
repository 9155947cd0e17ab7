import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeLine, JournalCursor, sha256Hex } from '../../../src/run/journal-line.ts'
import type { JournalKind } from '../../../src/run/types.ts'
import { type BenchProject, benchProject } from '../project.ts'

export interface BenchNotebook extends BenchProject {
  readonly run: string
  readonly runFolder: string
  readonly cells: number
  readonly bytes: number
}

/** Stands in two outputs, near the beginning and in the very last one. */
export const needle = 'the needle of the bench'

/** A run of the sample project with so many cells more, and so many bytes of output in all of them together. */
export function makeNotebook(cells: number, bytes: number): BenchNotebook {
  const project = benchProject(true)
  const runs = join(project.folder, '.kx', 'runs')
  const run = readdirSync(runs)[0] ?? ''
  const runFolder = join(runs, run)
  const journal = join(runFolder, 'journal.jsonl')
  const cursor = new JournalCursor()
  cursor.take(readFileSync(journal))
  let { sequence, lastHash } = cursor
  let lines: Uint8Array[] = []
  const startMs = Date.now() - cells * 60_000
  const put = (kind: JournalKind, payload: unknown) => {
    sequence += 1
    const line = encodeLine({
      v: 1,
      sequence,
      fence: cursor.fence,
      previous: lastHash,
      atMs: startMs + sequence * 1000,
      kind,
      payload,
    })
    lastHash = sha256Hex(line.subarray(0, -1))
    lines.push(line)
  }
  const host = {
    host: 'gpu-1',
    hostname: 'gpu-1.example',
    machineId: '0'.repeat(32),
    bootId: '1'.repeat(36),
    user: '1000',
    hostKey: `SHA256:${'k'.repeat(43)}`,
  }
  const line = 'step=000123 loss=0.1234567 acc=0.9876 lr=3e-4 throughput=1234.5 tok/s gpu=97% mem=61.2GiB\n'
  const each = Math.floor(bytes / cells)
  const body = line.repeat(Math.ceil(each / line.length)).slice(0, each - 1)
  for (let i = 0; i < cells; i += 1) {
    const cellId = `01BENCH${String(i).padStart(19, '0')}`
    const hasNeedle = i === 7 || i === cells - 1
    const output = `${hasNeedle ? `${body.slice(0, -needle.length - 1)}\n${needle}` : body}\n`
    mkdirSync(join(runFolder, 'cells', cellId), { mode: 0o700 })
    writeFileSync(join(runFolder, 'cells', cellId, 'output.log'), output, { mode: 0o600 })
    put('cell.started', {
      cellId,
      name: i % 5 === 0 ? 'audit.run' : 'patrol.tick',
      title: i % 5 === 0 ? 'Audit the host' : 'Look',
      phase: i % 5 === 0 ? 'audit' : 'patrol',
      sourceSha256: 'f'.repeat(64),
      source: `patrol.tick {"host":"gpu-${i % 9}"}`,
      args: { host: `gpu-${i % 9}` },
      risk: 'read',
      dryRun: false,
      who: 'ada',
      via: 'key',
      host,
    })
    put('cell.ended', {
      cellId,
      state: i % 17 === 0 ? 'failed' : 'done',
      durationMs: 1234,
      exitCode: i % 17 === 0 ? 1 : 0,
      signal: null,
      cause: null,
      process: null,
      stdoutBytes: Buffer.byteLength(output),
      stderrBytes: 0,
      truncated: false,
      outputFile: `cells/${cellId}/output.log`,
      redactions: 0,
      probe: null,
      approvedBy: null,
      proofId: null,
      summary: `looked ${i}: all is well`,
    })
    if (lines.length >= 2000) {
      appendFileSync(journal, Buffer.concat(lines))
      lines = []
    }
  }
  appendFileSync(journal, Buffer.concat(lines))
  return { ...project, run, runFolder, cells, bytes }
}
