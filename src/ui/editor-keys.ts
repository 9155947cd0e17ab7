import type { EditorAction } from './line-editor.ts'

const actions: Readonly<Record<string, EditorAction>> = {
  backspace: { type: 'delete', unit: 'character', direction: 'back' },
  'ctrl+h': { type: 'delete', unit: 'character', direction: 'back' },
  delete: { type: 'delete', unit: 'character', direction: 'forward' },
  'ctrl+d': { type: 'delete', unit: 'character', direction: 'forward' },
  'alt+backspace': { type: 'delete', unit: 'word', direction: 'back' },
  'alt+d': { type: 'delete', unit: 'word', direction: 'forward' },
  'ctrl+w': { type: 'delete', unit: 'blank-word', direction: 'back' },
  'ctrl+u': { type: 'delete', unit: 'line', direction: 'back' },
  'ctrl+k': { type: 'delete', unit: 'line', direction: 'forward' },
  left: { type: 'go', unit: 'character', direction: 'back' },
  'ctrl+b': { type: 'go', unit: 'character', direction: 'back' },
  right: { type: 'go', unit: 'character', direction: 'forward' },
  'ctrl+f': { type: 'go', unit: 'character', direction: 'forward' },
  'alt+b': { type: 'go', unit: 'word', direction: 'back' },
  'ctrl+left': { type: 'go', unit: 'word', direction: 'back' },
  'alt+f': { type: 'go', unit: 'word', direction: 'forward' },
  'ctrl+right': { type: 'go', unit: 'word', direction: 'forward' },
  home: { type: 'go', unit: 'line', direction: 'back' },
  'ctrl+a': { type: 'go', unit: 'line', direction: 'back' },
  end: { type: 'go', unit: 'line', direction: 'forward' },
  'ctrl+e': { type: 'go', unit: 'line', direction: 'forward' },
  'ctrl+y': { type: 'yank' },
  'ctrl+_': { type: 'undo' },
  'ctrl+/': { type: 'undo' },
}

/** What a key does to a line being written; null for keys that do nothing there. */
export function editorAction(chord: string, text: string): EditorAction | null {
  const action = actions[chord]
  if (action !== undefined) return action
  return text !== '' && !chord.startsWith('ctrl+') && !chord.startsWith('alt+') ? { type: 'insert', text } : null
}

/** Earlier and later lines of the history, where a field has one. */
export function historyAction(chord: string): EditorAction | null {
  if (chord === 'up' || chord === 'ctrl+p') return { type: 'history', by: -1 }
  if (chord === 'down' || chord === 'ctrl+n') return { type: 'history', by: 1 }
  return null
}
