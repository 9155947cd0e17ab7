/**
 * What helpers of the tests undo. They share a worker with many test files and are loaded once in it, so a hook that one
 * of them registered while it loads would run for the first file only: `each-file.ts` calls this after every test.
 */
const undos: (() => Promise<void> | void)[] = []

/** Undoes something after the test that runs now, newest first. */
export function undoLater(undo: () => Promise<void> | void): void {
  undos.push(undo)
}

export async function undoAll(): Promise<void> {
  for (const undo of undos.splice(0).reverse()) await undo()
}
