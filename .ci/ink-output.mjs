// What the build changes in Ink's `output.js`, so that a frame costs what changed in it. Each piece must be found there
// exactly once: an upgrade of Ink that changes them fails the build, not the screen.
const changes = [
  // Texts are taken apart once, not once a frame. The caches hold nothing but what they can make again.
  ['caches = new OutputCaches();', 'caches = keptCaches();'],
  [
    'export default class Output {',
    `let kept;
const keptCaches = () => {
  if (kept === undefined || kept.widths.size > 16384 || kept.styledChars.size > 1024 || kept.blockWidths.size > 1024 || kept.lines.size > 1024)
    kept = new OutputCaches();
  return kept;
};
const blank = { type: 'char', value: ' ', fullWidth: false, styles: [] };
export default class Output {`,
  ],
  [
    'styledChars = new Map();',
    `styledChars = new Map();
    lines = new Map();
    getLines(text) {
        let cached = this.lines.get(text);
        if (cached === undefined) {
            const characterLines = [[]];
            for (const character of this.getStyledChars(text)) {
                if (character.value === '\\n') characterLines.push([]);
                else characterLines.at(-1).push(character);
            }
            cached = characterLines.map(line => styledCharsToString(line));
            this.lines.set(text, cached);
        }
        return cached;
    }`,
  ],
  [
    `const characterLines = [[]];
        for (const character of this.caches.getStyledChars(text)) {
            if (character.value === '\\n') {
                characterLines.push([]);
            }
            else {
                characterLines.at(-1).push(character);
            }
        }
        let lines = characterLines.map(line => styledCharsToString(line));`,
    'let lines = this.caches.getLines(text);',
  ],
  // Nearly every cell holds a character of ASCII.
  [
    'const characterWidth = Math.max(1, this.caches.getStringWidth(character.value));',
    `const { value } = character;
                const characterWidth = value.length === 1 && value >= ' ' && value <= '~' ? 1 : Math.max(1, this.caches.getStringWidth(value));`,
  ],
  // A line that fits whole needs no slice of itself.
  [
    'return this.sliceLineToColumns(line, from, to);',
    'return from === 0 && to === width ? line : this.sliceLineToColumns(line, from, to);',
  ],
  // Cells are replaced, never changed: all blanks can be one.
  [
    `row.push({
                    type: 'char',
                    value: ' ',
                    fullWidth: false,
                    styles: [],
                });`,
    'row.push(blank);',
  ],
  // A row of the very cells of the frame before is the text that it was.
  [
    'const generatedOutput = output\n            .map(line => {',
    `const before = keptRows;
        keptRows = [];
        const generatedOutput = output
            .map((line, y) => {
                const same = before[y];
                const isSame = same !== undefined && same.cells.length === line.length && line.every((cell, x) => cell === same.cells[x]);
                const text = isSame ? same.text : this.rowText(line);
                keptRows.push({ cells: line, text });
                return text;
            })
            .join('\\n');
        return { output: generatedOutput, height: output.length };
    }
    rowText(line) {
        return [line].map(line => {`,
  ],
  [
    `return styledCharsToString(lineWithoutEmptyItems).trimEnd();
        })
            .join('\\n');
        return {
            output: generatedOutput,
            height: output.length,
        };`,
    `return styledCharsToString(lineWithoutEmptyItems).trimEnd();
        })[0];`,
  ],
  ['let kept;', 'let kept;\nlet keptRows = [];'],
]

/** Ink's `output.js` with caches that last. */
export const fasterInkOutput = (source) => changed(source, 'output.js', changes)

/** Ink's `render-node-to-output.js`: a text has neither padding nor border, so four questions to Yoga a text are none. */
export const fasterInkNodes = (source) =>
  changed(source, 'render-node-to-output.js', [
    ['const maxWidth = getMaxWidth(yogaNode);', 'const maxWidth = yogaNode.getComputedWidth();'],
  ])

/** Throws when the source is not the one that the changes were made for. */
function changed(source, name, pieces) {
  return pieces.reduce((text, [from, to]) => {
    if (text.split(from).length !== 2)
      throw new Error(
        `ink's ${name} no longer holds, once: ${from.split('\n')[0]}\nLook at what changed there and at .ci/ink-output.mjs.`,
      )
    return text.replace(from, () => to)
  }, source)
}
