/** The facade over Ink: screens draw with what stands here and import nothing else that draws. */
export { Box, type BoxProps, Text, type TextProps } from 'ink'
export { defaultLogLimits, type LogBuffer, type LogLimits, makeLogBuffer } from '../text/log-buffer.ts'
export { Chart, type ChartProps } from './chart.tsx'
export { type ChartModel, type ChartSeries, chartFallback, chartLines } from './chart-model.ts'
export { Checklist, type ChecklistProps } from './checklist.tsx'
export {
  type ChecklistItem,
  type ChecklistModel,
  checklistLines,
  checklistRows,
  checklistSummary,
  rowOfItem,
} from './checklist-model.ts'
export { Age, type AgeProps, ageText, ClockProvider, type LeafClock, makeLeafClock } from './clock.tsx'
export { Dialog, type DialogProps } from './dialog.tsx'
export {
  type DialogAction,
  type DialogQuestion,
  type DialogState,
  dialogLines,
  guardMs,
  openDialog,
  reduceDialog,
  takesInput,
} from './dialog-model.ts'
export { Form, type FormProps } from './form.tsx'
export {
  type FieldSpec,
  type FormAction,
  type FormState,
  formFields,
  formLines,
  makeForm,
  readForm,
  reduceForm,
} from './form-model.ts'
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
export { Lines, type LinesProps, type StyledLine } from './lines.tsx'
export { type ListAction, type ListState, reduceList, visibleTop } from './list-model.ts'
export { type LogFilter, parseLogFilter } from './log-filter.ts'
export {
  followingLog,
  type LogAction,
  type LogIndex,
  type LogRow,
  type LogState,
  logLines,
  logRows,
  logStatus,
  logTop,
  makeLogIndex,
  reduceLog,
} from './log-model.ts'
export { LogView, type LogViewProps } from './log-view.tsx'
export { inlineText, type MarkdownLine, markdownLines, markdownRows } from './markdown.ts'
export { Meter, type MeterProps } from './meter.tsx'
export { type MeterModel, meterLines, meterText, meterValue } from './meter-model.ts'
export { packRuns, type Run, Runs, type RunsProps } from './runs.tsx'
export { makePattern, type SafePattern } from './safe-pattern.ts'
export { Sparkline, type SparklineProps } from './sparkline.tsx'
export {
  type Extent,
  extentOf,
  resample,
  type Sample,
  shortNumber,
  sparklineLines,
  sparklineText,
} from './sparkline-model.ts'
export { type Part, type SizeClass, sizeClass, smallestScreen, split } from './split.ts'
export { StaticTable, type StaticTableProps } from './static-table.tsx'
export { Table, type TableProps } from './table.tsx'
export {
  type Column,
  fitsWhole,
  headingCells,
  placeColumns,
  rowCells,
  type Sort,
  type TableModel,
  tableLines,
} from './table-model.ts'
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
