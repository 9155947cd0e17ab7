// What the build changes in Ink, so that a frame costs what changed in it. Each piece must be found exactly once: an
// upgrade of Ink that changes one of them fails the build, not the screen.
import { join } from 'node:path'

/** Functions of `dom.js` that change a node, with their parameters there. */
const mutators = [
  ['appendChildNode', 'node, childNode'],
  ['insertBeforeNode', 'node, newChildNode, beforeChildNode'],
  ['removeChildNode', 'node, removedNode'],
  ['setAttribute', 'node, key, value'],
  ['setTransform', 'node, transform'],
  ['setStyle', 'node, style'],
  ['setNodeHidden', 'node, isHidden'],
  ['setTextNodeValue', 'node, text'],
]

const changes = {
  'render-node-to-output.js': [
    // A text has neither padding nor border, so four questions to Yoga a text are none.
    ['const maxWidth = getMaxWidth(yogaNode);', 'const maxWidth = yogaNode.getComputedWidth();'],
    [
      'const renderNodeToOutput = (node, output, options) => {',
      `const renderNodeToOutput = (node, output, options) => drawKept(node, output, options, drawNode);
const drawNode = (node, output, options) => {`,
    ],
  ],
  'dom.js': mutators.map(([name, parameters]) => {
    const head = `export const ${name} = (${parameters}) => {`
    return [head, `${head}\n    touch(node);`]
  }),
  // kx mounts no <Static>; Ink looks through its whole tree for one after every change.
  'reconciler.js': [['const staticNode = findStaticNode(rootNode);', 'const staticNode = undefined;']],
}

/** What a changed file uses of ours. */
const kept = { 'render-node-to-output.js': 'drawKept', 'dom.js': 'touch' }

/** Files of Ink's build folder of which pieces are changed; `output.js` is replaced whole. */
export const changedInkFiles = Object.keys(changes)

/**
 * One file of Ink's build folder, changed. Throws when the source is not the one that the changes were made for.
 * @param root the project's folder
 */
export function changedInk(name, source, root) {
  const ours = (file) => JSON.stringify(join(root, 'src', 'terminal', file))
  if (name === 'output.js') return `export { FrameOutput as default } from ${ours('ink-frame.ts')}\n`
  const text = changes[name].reduce((before, [from, to]) => {
    if (before.split(from).length !== 2)
      throw new Error(
        `ink's ${name} no longer holds, once: ${from}\nLook at what changed there and at .ci/faster-ink.mjs.`,
      )
    return before.replace(from, () => to)
  }, source)
  return kept[name] === undefined ? text : `import { ${kept[name]} } from ${ours('ink-kept.ts')}\n${text}`
}

/** The same as a plugin of esbuild. `read` is `readFileSync`. */
export const fasterInk = (root, read) => ({
  name: 'faster-ink',
  setup(b) {
    const names = ['output.js', ...changedInkFiles].map((name) => name.replace('.', '\\.')).join('|')
    b.onLoad({ filter: new RegExp(`[\\\\/]ink[\\\\/]build[\\\\/](${names})$`) }, ({ path }) => ({
      contents: changedInk(path.split(/[\\/]/).at(-1), read(path, 'utf8'), root),
      loader: 'js',
    }))
  },
})
