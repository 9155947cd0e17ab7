// What the build changes in Ink's `output.js`, so that a frame costs what changed in it. Each piece must be found there
// exactly once: an upgrade of Ink that changes them fails the build, not the screen.
const changes = [
  // Texts are taken apart once, not once a frame. The caches hold nothing but what they can make again.
  ['caches = new OutputCaches();', 'caches = keptCaches();'],
  [
    'export default class Output {',
    `let kept;
const keptCaches = () => {
  if (kept === undefined || kept.widths.size > 16384 || kept.styledChars.size > 4096 || kept.blockWidths.size > 4096 || kept.lines.size > 4096)
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
]

/** Ink's `output.js` with caches that last. Throws when it is not the file that these changes were made for. */
export function fasterInkOutput(source) {
  return changes.reduce((text, [from, to]) => {
    if (text.split(from).length !== 2)
      throw new Error(
        `ink's output.js no longer holds, once: ${from.split('\n')[0]}\nLook at what changed and at .ci/ink-output.mjs.`,
      )
    return text.replace(from, () => to)
  }, source)
}
