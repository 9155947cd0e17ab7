import { figureOf } from './json-value.ts'

/** Figures of a row, nested names joined by `/`. What is no figure is left out. */
export function figuresOf(row: unknown, onFigure: (name: string, value: number) => void, prefix = '', depth = 0): void {
  if (typeof row !== 'object' || row === null || Array.isArray(row) || depth > 8) return
  for (const [key, value] of Object.entries(row)) {
    const name = prefix === '' ? key : `${prefix}/${key}`
    const figure = figureOf(value)
    if (figure !== null) onFigure(name, figure)
    else figuresOf(value, onFigure, name, depth + 1)
  }
}

/** Columns that say where a row stands and are no metrics themselves. */
export const stepNames = ['step', 'global_step', '_step', 'iteration', 'iter', 'steps_done'] as const
export const timeNames = ['time', 'timestamp', '_timestamp', 'wall_time', 'ts'] as const
