import type { RunDigest } from '../compare/digest.ts'
import type { TextSide } from '../compare/views/texts.ts'
import { readRunText, textsOfRun } from '../reader/run-texts.ts'
import type { FoundRun } from '../reader/scan.ts'

/** Texts of a run as the views ask for them: what there is is looked up each time, since it may still be written. */
export async function textSide(name: string, found: FoundRun, digest: RunDigest): Promise<TextSide> {
  const { folder, format } = found
  const texts = await textsOfRun(found)
  return {
    name,
    format,
    digest,
    files: texts.map((text) => text.name),
    async read(wanted) {
      const text = texts.find((each) => each.name === wanted)
      return text === undefined || folder === undefined ? null : readRunText(folder, text.path)
    },
  }
}
