/** Folders that never hold runs, and may hold a hundred thousand files. */
export const passedFolders: ReadonlySet<string> = new Set([
  'node_modules',
  '.git',
  '.venv',
  'venv',
  '__pycache__',
  '.trash',
  'site-packages',
  '.cache',
])
