/** The facade over Ink: screens draw with what stands here and import nothing else that draws. */
export { Box, type BoxProps, Text, type TextProps } from 'ink'
export { Checklist, type ChecklistProps } from './checklist.tsx'
export {
  type ChecklistItem,
  type ChecklistModel,
  checklistLines,
  checklistRows,
  checklistSummary,
  rowOfItem,
} from './checklist-model.ts'
export { type FuzzyMatch, fuzzyMatch, fuzzyRank, type Ranked } from './fuzzy.ts'
export {
  asciiGlyphs,
  type Glyphs,
  type Mark,
  markOf,
  markText,
  markWord,
  unicodeGlyphs,
  type Weight,
} from './glyphs.ts'
export { Label, type LabelProps } from './label.tsx'
export {
  Columns,
  type Inner,
  Pane,
  type PaneProps,
  paneInner,
  Rows,
  Screen,
  type ScreenProps,
  type SplitProps,
  TooSmall,
  type TooSmallProps,
  tooSmallLines,
} from './layout.tsx'
export {
  type EditorAction,
  type EditorState,
  type EditorUnit,
  type EditorView,
  editorView,
  makeEditor,
  reduceEditor,
} from './line-editor.ts'
export { type ListAction, type ListState, reduceList, visibleTop } from './list-model.ts'
export { makePattern, type SafePattern } from './safe-pattern.ts'
export { type Part, type SizeClass, sizeClass, smallestScreen, split } from './split.ts'
export { StaticTable, type StaticTableProps } from './static-table.tsx'
export { Table, type TableProps } from './table.tsx'
export { type Column, type Sort, type TableModel, tableLines } from './table-model.ts'
export { type Align, cut, cutMiddle, graphemes, isAscii, oneLine, pad, textWidth, toWidth, wrap } from './text-fit.ts'
export { TextInput, type TextInputProps, textInputLines } from './text-input.tsx'
export {
  type ColorDepth,
  makeTheme,
  markToken,
  type Style,
  type Theme,
  type ThemeName,
  type Token,
  tokens,
  weightToken,
} from './theme.ts'
export { ThemeProvider, useTheme } from './theme-context.tsx'
