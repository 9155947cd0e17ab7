// One split of combinatorial purged cross-validation, by the unit contract (docs/unit-contract.md, version 1).
//
//   node train.mjs --split 7 [--epochs 300]
//
// Without kx it works too: KX_UNIT_DIR then defaults to ./out/split-<n>.
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setImmediate as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { loadCheckpoint, openLines, saveCheckpoint, sha256, writeWhole } from './files.mjs'
import { newState, score, shuffle, trainEpoch, weightCount } from './model.mjs'
import { combinations, splitRows } from './split.mjs'

const here = dirname(fileURLToPath(import.meta.url))

function argument(name, fallback) {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : process.argv[at + 1]
}

function wholeNumber(text, what) {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0)
    throw new Error(`${what} must be a whole number, not ${JSON.stringify(text)}`)
  return value
}

function readData(path) {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(1)
  const features = lines[0].split(',').length - 1
  const x = new Float64Array(lines.length * features)
  const y = new Uint8Array(lines.length)
  lines.forEach((line, row) => {
    const cells = line.split(',').map(Number)
    if (cells.length !== features + 1 || cells.some(Number.isNaN))
      throw new Error(`row ${row + 2} of ${path} is not ${features + 1} numbers`)
    x.set(cells.slice(0, features), row * features)
    y[row] = cells[features]
  })
  return { x, y, rows: lines.length, features }
}

/** Standardises with the training rows' own mean and deviation: nothing of the test rows leaks in. */
function standardise(data, trainRows) {
  for (let f = 0; f < data.features; f++) {
    let sum = 0
    for (const row of trainRows) sum += data.x[row * data.features + f]
    const mean = sum / trainRows.length
    let squares = 0
    for (const row of trainRows) squares += (data.x[row * data.features + f] - mean) ** 2
    const deviation = Math.sqrt(squares / trainRows.length) || 1
    for (let row = 0; row < data.rows; row++)
      data.x[row * data.features + f] = (data.x[row * data.features + f] - mean) / deviation
  }
}

/** `CPCV_FAULT=nan|below-chance|crash|hang|oom[:unit|:from+]`, for trying the abort rules (`1+`: split 1 and later). */
function faultFor(unit, split) {
  const [kind = '', only] = (process.env.CPCV_FAULT ?? '').split(':')
  const from = /^(\d+)\+$/.exec(only ?? '')?.[1]
  if (from !== undefined) return split >= Number(from) ? kind : ''
  return only === undefined || only === unit || only === String(split) ? kind : ''
}

// JSON has no NaN: the contract writes it as a string, so that a reader sees it and the file still parses.
const number = (value) => (Number.isFinite(value) ? value : String(value))

async function main() {
  const config = JSON.parse(readFileSync(join(here, 'config.json'), 'utf8'))
  const split = wholeNumber(argument('split', process.env.KX_UNIT_INDEX ?? '0'), '--split')
  const epochs = wholeNumber(process.env.CPCV_EPOCHS || argument('epochs', config.epochs), 'epochs')
  const seed = wholeNumber(process.env.KX_SEED ?? '0', 'KX_SEED')
  const splits = combinations(config.groups, config.choose)
  const testGroups = splits[split]
  if (testGroups === undefined) throw new Error(`split ${split} does not exist: there are ${splits.length}, from 0`)
  const unit = process.env.KX_UNIT ?? `split-${split}`
  const folder = resolve(process.env.KX_UNIT_DIR ?? join('out', unit))
  const checkpoints = resolve(process.env.KX_CHECKPOINT_DIR ?? join(folder, 'checkpoints'))
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const resultFile = join(folder, 'result.json')
  if (existsSync(resultFile)) {
    console.log(`${unit}: already finished, nothing to do`)
    return 0
  }
  const fault = faultFor(unit, split)

  const dataFile = join(here, 'data', 'wdbc.csv')
  const data = readData(dataFile)
  const rows = splitRows({
    rows: data.rows,
    groups: config.groups,
    testGroups,
    purgeRows: config.purge_rows,
    embargoRows: config.embargo_rows,
  })
  standardise(data, rows.train)
  console.log(`${unit}: loaded ${data.rows} rows x ${data.features} features; test groups ${testGroups.join(' and ')}`)

  const identity = { unit, split, seed, features: data.features, hidden: config.hidden }
  const state = newState(data.features, config.hidden, seed * 1000 + split)
  const shuffled = shuffle([...rows.train], state)
  const held = Math.round(shuffled.length * config.validation_share)
  const validation = shuffled.slice(0, held)
  const training = shuffled.slice(held)
  let best = { epoch: 0, val_acc: -1, weights: state.weights.slice() }
  let nanCount = 0
  let spentSeconds = 0

  const found = loadCheckpoint(checkpoints)
  if (found !== null) {
    for (const [key, value] of Object.entries(identity))
      if (found[key] !== value)
        throw new Error(`checkpoint was made with ${key} = ${found[key]}, this run has ${key} = ${value}`)
    if (found.weights.length !== weightCount(data.features, config.hidden))
      throw new Error(
        `checkpoint holds ${found.weights.length} weights, the model has ${weightCount(data.features, config.hidden)}`,
      )
    Object.assign(state, { rng: found.rng, epoch: found.epoch, weights: found.weights, velocity: found.velocity })
    best = { epoch: found.best_epoch, val_acc: found.best_val_acc, weights: found.best_weights }
    nanCount = found.nan_count
    spentSeconds = found.elapsed_s
    console.log(`${unit}: resumed from epoch ${state.epoch}`)
  } else console.log(`${unit}: starts at epoch 0`)

  if (!existsSync(join(folder, 'env_fingerprint.json')))
    writeWhole(
      join(folder, 'env_fingerprint.json'),
      `${JSON.stringify({
        runtime: `node ${process.version}`,
        v8: process.versions.v8,
        platform: process.platform,
        architecture: process.arch,
        gpu: 'none',
        seed,
        script_sha256: sha256(readFileSync(fileURLToPath(import.meta.url))),
        config_sha256: sha256(readFileSync(join(here, 'config.json'))),
        data_sha256: sha256(readFileSync(dataFile)),
        dependencies: [],
      })}\n`,
    )

  let isStopping = false
  process.on('SIGTERM', () => {
    isStopping = true
  })
  const startedAt = performance.now()
  const elapsed = () => spentSeconds + (performance.now() - startedAt) / 1000
  const save = () => {
    const before = performance.now()
    saveCheckpoint(checkpoints, {
      meta: {
        ...identity,
        rng: state.rng,
        epoch: state.epoch,
        best_epoch: best.epoch,
        best_val_acc: best.val_acc,
        nan_count: nanCount,
        elapsed_s: elapsed(),
      },
      weights: state.weights,
      velocity: state.velocity,
      bestWeights: best.weights,
    })
    return (performance.now() - before) / 1000
  }

  const metrics = openLines(join(folder, 'metrics.jsonl'))
  const isInverted = fault === 'below-chance'
  let savedSeconds = null
  while (state.epoch < epochs) {
    const order = shuffle([...training], state)
    if (fault === 'nan' && state.epoch === 2) state.weights[0] = Number.NaN
    const loss = trainEpoch(state, data, order, config)
    state.epoch++
    if (!Number.isFinite(loss)) nanCount++
    const trainScore = score(state.weights, data, training, config.hidden, isInverted)
    const valScore = score(state.weights, data, validation, config.hidden, isInverted)
    if (Number.isFinite(loss) && valScore.accuracy > best.val_acc)
      best = { epoch: state.epoch, val_acc: valScore.accuracy, weights: state.weights.slice() }
    const line = {
      step: state.epoch,
      steps: epochs,
      time: Date.now() / 1000,
      loss: number(loss),
      train_acc: trainScore.accuracy,
      val_acc: valScore.accuracy,
    }
    if (savedSeconds !== null) line.checkpoint_s = savedSeconds
    metrics.append(line)
    // The line first, then the checkpoint: a kill between the two repeats a step, and never loses one.
    savedSeconds = state.epoch % config.checkpoint_every === 0 || state.epoch === epochs ? save() : null
    if (state.epoch % 50 === 0 || state.epoch === 1)
      console.log(
        `${unit}: epoch ${state.epoch}/${epochs} loss ${loss.toFixed(4)} val_acc ${valScore.accuracy.toFixed(4)}`,
      )
    if (fault === 'crash' && state.epoch >= 3) throw new Error('CPCV_FAULT=crash: told to crash')
    if (fault === 'oom' && state.epoch >= 3) process.kill(process.pid, 'SIGKILL')
    if (fault === 'hang' && state.epoch >= 3) {
      console.log(`${unit}: CPCV_FAULT=hang: told to hang`)
      while (!isStopping) await new Promise((wake) => setTimeout(wake, 100))
    }
    await pause()
    if (isStopping) {
      save()
      metrics.close()
      console.log(`${unit}: asked to stop, saved at epoch ${state.epoch}`)
      return 143
    }
  }
  metrics.close()

  const test = score(best.weights, data, rows.test, config.hidden, isInverted)
  const train = score(best.weights, data, training, config.hidden, isInverted)
  const val = score(best.weights, data, validation, config.hidden, isInverted)
  writeWhole(
    resultFile,
    `${JSON.stringify({
      unit,
      test_acc: test.accuracy,
      test_f1: test.f1,
      train_acc: train.accuracy,
      val_acc: val.accuracy,
      epochs,
      best_epoch: best.epoch,
      elapsed_s: elapsed(),
      test_groups: testGroups,
      nan_count: nanCount,
      rows_train: training.length,
      rows_test: rows.test.length,
      rows_dropped: rows.dropped,
      seed,
    })}\n`,
  )
  console.log(`${unit}: finished, test_acc ${test.accuracy.toFixed(4)} test_f1 ${test.f1.toFixed(4)}`)
  return 0
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    console.error(`train.mjs: ${error.message}`)
    process.exitCode = 1
  },
)
