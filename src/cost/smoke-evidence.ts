import { z } from 'zod'
import type { SmokeEvidence } from './types.ts'

const samples = z.array(z.number().min(0).finite()).catch([])
const measured = z.number().min(0).finite().nullable().catch(null)
const payloadSchema = z
  .object({
    unitSeconds: samples,
    stepSeconds: samples,
    stepsPerUnit: measured,
    droppedSteps: z.number().int().min(0).catch(0),
    peakRssBytes: measured,
    checkpointBytes: measured,
    checkpointSeconds: measured,
    machineClass: z.string().min(1).nullable().catch(null),
  })
  .catch({
    unitSeconds: [],
    stepSeconds: [],
    stepsPerUnit: null,
    droppedSteps: 0,
    peakRssBytes: null,
    checkpointBytes: null,
    checkpointSeconds: null,
    machineClass: null,
  })

/** The measured part of a smoke proof's payload. A field that is missing or makes no sense counts as not measured. */
export function smokeEvidence(payload: unknown): SmokeEvidence {
  return payloadSchema.parse(payload)
}
