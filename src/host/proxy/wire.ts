import type { ChildProcess } from 'node:child_process'
import type { MessagePort, Worker } from 'node:worker_threads'

/** A way for messages to another thread or process, in order. What is sent after it closed goes nowhere. */
export interface Wire {
  send(message: object): void
  /** Gives back what stops listening. */
  onMessage(listener: (message: unknown) => void): () => void
  /** Settles when the other side went away, or `close` was called here. */
  readonly closed: Promise<void>
  close(): void
}

/** The wire between this process and one that it forked; `serialization: 'advanced'` keeps bytes bytes. */
export function processWire(child: ChildProcess | NodeJS.Process): Wire {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  const other = child as ChildProcess
  const listeners = new Set<(message: unknown) => void>()
  other.on('message', (message) => {
    for (const listener of listeners) listener(message)
  })
  other.once('disconnect', () => resolve())
  if (!other.connected) resolve()
  return {
    send: (message) => {
      // The other side may be gone before its going is heard of: that is told by `closed`.
      if (other.connected) other.send(message, () => {})
    },
    onMessage: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    closed,
    close: () => {
      resolve()
      if (other.connected) other.disconnect()
    },
  }
}

/** The wire between two threads: a port, or the worker that one has begun. */
export function portWire(port: MessagePort | Worker): Wire {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  const listeners = new Set<(message: unknown) => void>()
  let isOpen = true
  const over = () => {
    isOpen = false
    resolve()
  }
  port.on('message', (message) => {
    for (const listener of listeners) listener(message)
  })
  port.once('close', over)
  port.once('exit', over)
  return {
    send: (message) => {
      if (!isOpen) return
      const bytes = exactBytes(message)
      // A view drags all of its buffer along, and small ones share one: a copy of just these bytes is handed over.
      if (bytes === null) port.postMessage(message)
      else port.postMessage({ ...message, bytes }, [bytes.buffer])
    },
    onMessage: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    closed,
    close: () => {
      over()
      if ('close' in port) port.close()
    },
  }
}

function exactBytes(message: object): (Uint8Array & { buffer: ArrayBuffer }) | null {
  return 'bytes' in message && message.bytes instanceof Uint8Array ? new Uint8Array(message.bytes) : null
}
