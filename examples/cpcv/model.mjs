// A small network (one hidden layer, tanh, logistic output) trained by mini-batch gradient descent with momentum.
// Everything that training depends on lies in one state object, so that a resumed run continues bit for bit.

/** mulberry32: a 32-bit generator whose whole state is one integer. */
export function nextRandom(state) {
  state.rng = (state.rng + 0x6d2b79f5) | 0
  let t = Math.imul(state.rng ^ (state.rng >>> 15), 1 | state.rng)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

/** Shuffles in place (Fisher-Yates). */
export function shuffle(items, state) {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(nextRandom(state) * (i + 1))
    const kept = items[i]
    items[i] = items[j]
    items[j] = kept
  }
  return items
}

/** Number of weights: input to hidden, hidden biases, hidden to output, output bias. */
export const weightCount = (features, hidden) => features * hidden + hidden + hidden + 1

export function newState(features, hidden, seed) {
  const state = { rng: seed | 0, epoch: 0, weights: new Float64Array(weightCount(features, hidden)), velocity: null }
  const scale = Math.sqrt(1 / features)
  for (let i = 0; i < features * hidden; i++) state.weights[i] = (nextRandom(state) * 2 - 1) * scale
  const output = features * hidden + hidden
  for (let i = 0; i < hidden; i++) state.weights[output + i] = (nextRandom(state) * 2 - 1) * Math.sqrt(1 / hidden)
  state.velocity = new Float64Array(state.weights.length)
  return state
}

/** Probability of class 1 for one row of `x`; fills `active` with the hidden activations. */
export function forward(weights, x, row, features, hidden, active) {
  const output = features * hidden + hidden
  let z = weights[output + hidden]
  for (let h = 0; h < hidden; h++) {
    let sum = weights[features * hidden + h]
    const at = h * features
    const from = row * features
    for (let f = 0; f < features; f++) sum += weights[at + f] * x[from + f]
    active[h] = Math.tanh(sum)
    z += weights[output + h] * active[h]
  }
  return 1 / (1 + Math.exp(-z))
}

/** One pass over the rows of `order`; returns the mean log loss. */
export function trainEpoch(state, data, order, config) {
  const { x, y, features } = data
  const { hidden } = config
  const { weights, velocity } = state
  const gradient = new Float64Array(weights.length)
  const active = new Float64Array(hidden)
  const output = features * hidden + hidden
  let loss = 0
  for (let start = 0; start < order.length; start += config.batch_rows) {
    const end = Math.min(order.length, start + config.batch_rows)
    gradient.fill(0)
    for (let n = start; n < end; n++) {
      const row = order[n]
      const p = forward(weights, x, row, features, hidden, active)
      const target = y[row]
      loss -= Math.log(Math.max(1e-12, target === 1 ? p : 1 - p))
      const delta = p - target
      gradient[output + hidden] += delta
      for (let h = 0; h < hidden; h++) {
        gradient[output + h] += delta * active[h]
        const back = delta * weights[output + h] * (1 - active[h] * active[h])
        gradient[features * hidden + h] += back
        const at = h * features
        const from = row * features
        for (let f = 0; f < features; f++) gradient[at + f] += back * x[from + f]
      }
    }
    const rate = config.learning_rate / (end - start)
    for (let i = 0; i < weights.length; i++) {
      velocity[i] =
        config.momentum * velocity[i] - rate * gradient[i] - config.learning_rate * config.weight_decay * weights[i]
      weights[i] += velocity[i]
    }
  }
  return loss / order.length
}

/** Accuracy, and F1 of class 0 (malignant: the class that must not be missed). */
export function score(weights, data, rows, hidden, isInverted) {
  const active = new Float64Array(hidden)
  let right = 0
  let truePositive = 0
  let falsePositive = 0
  let falseNegative = 0
  for (const row of rows) {
    const p = forward(weights, data.x, row, data.features, hidden, active)
    const guess = p >= 0.5 !== isInverted ? 1 : 0
    const target = data.y[row]
    if (guess === target) right++
    if (guess === 0 && target === 0) truePositive++
    if (guess === 0 && target === 1) falsePositive++
    if (guess === 1 && target === 0) falseNegative++
  }
  const f1 = truePositive === 0 ? 0 : (2 * truePositive) / (2 * truePositive + falsePositive + falseNegative)
  return { accuracy: rows.length === 0 ? 0 : right / rows.length, f1 }
}
