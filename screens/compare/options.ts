import type { PaneModel, StyledLine } from '../workbench/model.ts'

/** The open option of a name, as it is kept with the screen. */
export const optionOf = (options: readonly string[], name: string): string =>
  options.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''

/** An option that is a figure; null: not set. */
export function numberOf(options: readonly string[], name: string): number | null {
  const text = optionOf(options, name)
  return text === '' || !Number.isFinite(Number(text)) ? null : Number(text)
}

type Picture = Extract<PaneModel, { kind: 'picture' }>

/** A pane with a picture in it; its title and note are part of what it is drawn from. */
export function picture(made: {
  readonly id: string
  readonly title: string
  readonly note: string | readonly string[]
  readonly basis: readonly unknown[]
  readonly draw: (width: number, height: number) => readonly StyledLine[]
  readonly words: () => readonly StyledLine[]
  readonly filteredBy?: (filter: string) => PaneModel
}): Picture {
  return { kind: 'picture', ...made, basis: [made.title, made.note, ...made.basis] }
}

/** All options of a name. */
export const optionsOf = (options: readonly string[], name: string): readonly string[] =>
  options.flatMap((word) => (word.startsWith(`${name}=`) ? [word.slice(name.length + 1)] : []))
