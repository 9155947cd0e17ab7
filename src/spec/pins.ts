export interface LooseLine {
  readonly line: number
  readonly text: string
}

/** Lock formats that hold exact versions by construction. */
const exactByForm =
  /(?:^|\/)(?:uv\.lock|poetry\.lock|pdm\.lock|Pipfile\.lock|package-lock\.json|pnpm-lock\.yaml|yarn\.lock|conda-lock\.yml)$/

/**
 * Lines of a requirements file that leave a version open. `name==1.2.3` (with extras, markers, hashes), a URL with a hash,
 * a git address with a full commit and local paths are exact; ranges, wildcards, bare names and further files are not.
 */
export function looseLines(file: string, text: string): LooseLine[] {
  if (exactByForm.test(file)) return text.trim() === '' ? [{ line: 1, text: 'the file is empty' }] : []
  const loose: LooseLine[] = []
  const lines = text.split(/\r?\n/)
  for (let i = 0; i < lines.length; i++) {
    const start = i
    let logical = lines[i] ?? ''
    while (logical.endsWith('\\') && i + 1 < lines.length)
      logical = `${logical.slice(0, -1)} ${(lines[++i] ?? '').trim()}`
    const requirement = logical.replace(/(?:^|\s)#.*$/, '').trim()
    if (requirement !== '' && !isExact(requirement)) loose.push({ line: start + 1, text: requirement.slice(0, 120) })
  }
  return loose
}

function isExact(requirement: string): boolean {
  // Options of the installer name no package, except those that pull in further lists.
  if (/^(?:-r|--requirement|-c|--constraint)\b/.test(requirement)) return false
  if (/^(?:-e|--editable)[\s=]+(?:\.|file:)/.test(requirement)) return true
  if (requirement.startsWith('--')) return true
  if (/^\.{1,2}(?:\/|$|\[)/.test(requirement)) return true
  if (/@\s*git\+\S+@[0-9a-f]{40}\b/.test(requirement)) return true
  if (/(?:@\s*|^)(?:https?|file):\S+#sha256=[0-9a-f]{64}\b/.test(requirement)) return true
  return /^[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*={2,3}\s*[0-9A-Za-z][\w.!+-]*(?:\s*;[^\\]*?)?(?:\s+--hash[= ]\S+)*$/.test(
    requirement,
  )
}
