import { type AnyContext, ask, folderOf, readFacts, shellKit } from './ask.ts'

/** How runner, guard and end of a run stand on a host. Word: folder. */
const source = `${shellKit}
cd -- "$1" 2>/dev/null || { echo folder=gone; exit 0; }
echo folder=there
echo "boot=$boot"
if [ -f runner.pid ] && read -r p t b _ <runner.pid; then
  echo "runnerBoot=$b"
  if alive "$p" "$t" "$b"; then echo runner=alive; else echo runner=gone; fi
fi
if [ -f guard/now ] && read -r p t b _ <guard/now; then
  if alive "$p" "$t" "$b"; then echo guard=alive; else echo guard=gone; fi
fi
[ -f exit.json ] && echo ended=yes
n=0; for f in units/*/pid; do [ -f "$f" ] && read -r p t b _ <"$f" && alive "$p" "$t" "$b" && n=$((n + 1)); done
echo "units=$n"
`

export interface RunLook {
  readonly isFolderThere: boolean
  readonly boot: string | null
  readonly runnerBoot: string | null
  readonly runner: 'alive' | 'gone' | 'unknown'
  readonly guard: 'alive' | 'gone' | 'none'
  readonly hasEnded: boolean
  /** Null: the boot id cannot be told on one side. */
  readonly isSameBoot: boolean | null
  readonly unitsAlive: number
}

export async function lookAtRun(context: AnyContext): Promise<RunLook> {
  const { text } = await ask(context, source, [folderOf(context)])
  const fact = readFacts(text)
  const known = (name: string) => (fact(name) === 'none' ? null : fact(name))
  const [boot, runnerBoot] = [known('boot'), known('runnerBoot')]
  const runner = fact('runner')
  const guard = fact('guard')
  return {
    isFolderThere: fact('folder') === 'there',
    boot,
    runnerBoot,
    runner: runner === 'alive' || runner === 'gone' ? runner : 'unknown',
    guard: guard === 'alive' || guard === 'gone' ? guard : 'none',
    hasEnded: fact('ended') === 'yes',
    isSameBoot: boot === null || runnerBoot === null ? null : boot === runnerBoot,
    unitsAlive: Number(fact('units') ?? 0),
  }
}
