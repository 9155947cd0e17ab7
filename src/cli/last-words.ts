import { writeSync } from 'node:fs'

/** Reading credential files takes milliseconds; kx must end whatever hangs. */
const learnMilliseconds = 2000

/**
 * What nobody caught is written as Node would write it, but masked: an error of a library or a system may hold a secret,
 * and kx ends with 1. The terminal is put right before, by whoever took it (`uncaughtExceptionMonitor`). A report that Node
 * was told to write holds no environment.
 */
export function maskLastWords(): void {
  if (process.report !== undefined) Object.assign(process.report, { excludeEnv: true })
  let isSaid = false
  process.on('uncaughtException', (error: unknown) => {
    if (isSaid) return
    isSaid = true
    void lastWords(error).then((words) => {
      try {
        // Not by the stream: the workbench keeps that one off the screen, and it is not flushed at an exit.
        writeSync(2, words)
      } catch {
        // There is nobody left to tell.
      }
      process.exit(1)
    })
  })
}

async function lastWords(error: unknown): Promise<string> {
  const late = Promise.withResolvers<string>()
  const timer = setTimeout(
    () => late.resolve('kx: an error that nobody expected, whose words could not be masked in time\n'),
    learnMilliseconds,
  )
  try {
    return await Promise.race([maskedWords(error), late.promise])
  } catch {
    return 'kx: an error that nobody expected, whose words could not be masked\n'
  } finally {
    clearTimeout(timer)
  }
}

async function maskedWords(error: unknown): Promise<string> {
  const [{ learnSecrets, maskNow, maskTexts }, { inspect }, { sanitise }] = await Promise.all([
    import('./masking.ts'),
    import('node:util'),
    import('../text/sanitise.ts'),
  ])
  await learnSecrets()
  // What is displayed in quotes has another form than the value: such a text is masked before.
  const message = error instanceof Error ? (error.stack ?? error.message) : inspect(maskTexts(error))
  return `kx: ${maskNow(sanitise(message, { allowSgr: false }))}\n`
}
