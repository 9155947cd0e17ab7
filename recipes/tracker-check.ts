import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { ask, clean, looksOnly, readFacts, shellKit } from './parts/ask.ts'

/** Proxy, key, sync line and a way to the service. A key is only looked for, never read out. Words: folder or -, name of the key, address. */
const source = `${shellKit}
key=$2 address=$3
yes() { printf '%s=%s\\n' "$1" "$2"; }
if [ "$1" != - ]; then
  cd -- "$1" || exit 66
  for f in env/http_proxy env/https_proxy env/HTTP_PROXY env/HTTPS_PROXY env/ALL_PROXY env/WANDB_MODE env/WANDB_BASE_URL env/MLFLOW_TRACKING_URI; do
    [ -f "$f" ] && yes "set.\${f#env/}" "$(head -n 1 "$f" | sed 's|//[^/@]*@|//***@|' | head -c 200)"
  done
  if IFS= read -r at 2>/dev/null <secrets.path && [ -r "$at/values" ] && grep -q "^$key=." "$at/values"; then yes key 'handed over by kx'; fi
  for f in units/*/log; do
    [ -f "$f" ] || continue
    tail -c 2000000 "$f" | grep -E 'Syncing run|View run|wandb: Tracking run|wandb.*(offline|disabled)|WANDB_MODE|MLflow.*run|mlflow.*exception|Tracking URI' | tail -n 1 | head -c 300 | sed 's/^/line=/'
  done | tail -n 1
fi
if printenv "$key" >/dev/null 2>&1; then yes key 'in the environment of the login'; fi
if [ -f "$HOME/.netrc" ]; then
  case $address in *://*) host=\${address#*://}; host=\${host%%[/:]*} ;; *) host=$address ;; esac
  grep -q "^machine $host" "$HOME/.netrc" && yes key 'in .netrc'
fi
if has curl; then
  status=$(curl -s -o /dev/null -m 10 -w '%{http_code}' -- "$address" 2>/dev/null); yes reach "\${status:-000}"
elif has wget; then
  if short wget -q -T 10 -O /dev/null "$address" 2>/dev/null; then yes reach 200; else yes reach 000; fi
fi
exit 0
`

/** Why a tracker shows nothing: proxy, key, mode, sync line. */
export const recipe = defineRecipe({
  id: 'tracker-check',
  title: 'Check the tracker',
  runbook: {
    when: 'The tracker shows no run, or a unit waits for it at its start.',
    touches:
      'Nothing. It looks whether a key is there without reading it out, which proxy and mode the run was given, for the sync line in the logs, and asks the service for its front page from the host, by the environment of the login.',
    back: 'There is nothing to take back.',
  },
  parameters: z.object({
    key: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a name of a variable')
      .default('WANDB_API_KEY')
      .describe('name of the variable with the key; its value is never shown'),
    address: z
      .string()
      .regex(/^https?:\/\/[^\s@]+$/, 'http:// or https://, without a password')
      .default('https://api.wandb.ai')
      .describe('address of the service'),
  }),
  serves: [{ rule: 'crash-mark' }, { rule: 'unit-failed' }],
  cells: [
    {
      name: 'check',
      title: 'Proxy, key and sync line',
      risk: 'read',
      timeoutSeconds: 60,
      plan: looksOnly('Asks the service for its front page, from the host.'),
      run: async (context) => {
        const { key, address } = context.parameters
        const { text } = await ask(context, source, [context.host.folder ?? '-', key, address], { timeoutSeconds: 45 })
        const cleaned = clean(text)
        const fact = readFacts(cleaned)
        for (const line of cleaned.split('\n')) if (line.startsWith('set.')) context.say(line.slice(4))
        const line = fact('line')
        const reach = fact('reach')
        const mode = fact('set.WANDB_MODE')
        const isOff = /offline|disabled/i.test(`${line ?? ''} ${mode ?? ''}`)
        const words = {
          key: fact('key') === null ? `${key} was not found` : `${key}: ${fact('key')}`,
          reach:
            reach === null
              ? 'reach unknown: neither curl nor wget'
              : reach === '000'
                ? `${address} does not answer`
                : `${address} answers (${reach})`,
          line: line === null ? 'no sync line in any log' : `newest: ${line}`,
        }
        for (const each of Object.values(words)) context.say(each)
        await context.record('tracker', { hasKey: fact('key') !== null, reach, isOff, hasLine: line !== null })
        if (isOff) return { summary: 'it is switched off or offline: nothing is sent' }
        if (fact('key') === null)
          return { summary: `no key: ${key} is neither handed over nor set; name it under secrets in kx.yaml` }
        if (reach === '000')
          return { summary: 'the service cannot be reached from there: set a proxy (mirrors of the profile)' }
        if (line === null)
          return {
            summary: `${reach === null ? 'reach unknown' : 'key and way are there'}, but no log shows a sync line`,
          }
        return { summary: 'key, way and sync line are there' }
      },
    },
  ],
})
