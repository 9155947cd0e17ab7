import type { S3Client } from '@aws-sdk/client-s3'
import { StoreError, storeError } from './errors.ts'
import type { ObjectReads, StoredObject, StoreOptions } from './types.ts'

/** Objects of one list; a larger place is named further down. */
const mostObjects = 200_000
/** One call, with all its tries. A piece of a file is at most 4 MiB. */
const deadlineMs = 60_000
const mostTries = 4
/** Between tries after a body that ended early; the client itself waits between those that the store refused. */
const pauseMs = 100

export interface S3Timing {
  /** Objects of one page, at most 1000. */
  readonly pageSize: number
  readonly pauseMs: number
}

/**
 * The objects of one bucket, read only. Region, credentials and profile come by the usual ways of the AWS tools, and nothing
 * of them is kept. The client is loaded with the first call.
 */
export function s3Reads(options: StoreOptions, timing: S3Timing = { pageSize: 1000, pauseMs }): ObjectReads {
  let opened: Promise<{ readonly sdk: typeof import('./sdk.ts'); readonly client: S3Client }> | null = null
  const client = () => {
    opened ??= import('./sdk.ts').then((sdk) => ({ sdk, client: makeClient(sdk, options) }))
    return opened
  }
  const { bucket } = options
  const guarded = async <T>(doing: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    try {
      return await work(AbortSignal.timeout(deadlineMs))
    } catch (error) {
      throw storeError(doing, error, options)
    }
  }
  return {
    list: (prefix) =>
      guarded(`list s3://${bucket}/${prefix}`, async () => {
        const { sdk, client: asked } = await client()
        const objects: StoredObject[] = []
        let token: string | undefined
        do {
          const command = new sdk.ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            MaxKeys: timing.pageSize,
            // A key may hold what XML cannot.
            EncodingType: 'url',
            ...(token === undefined ? {} : { ContinuationToken: token }),
          })
          const page = await asked.send(command, { abortSignal: AbortSignal.timeout(deadlineMs) })
          for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
            if (Key === undefined || Size === undefined || ETag === undefined) continue
            objects.push({ key: decoded(Key), bytes: Size, mtimeMs: LastModified?.getTime() ?? 0, etag: ETag })
          }
          token = page.IsTruncated === true ? page.NextContinuationToken : undefined
          if (page.IsTruncated === true && token === undefined)
            throw new StoreError(
              `Cannot list s3://${bucket}/${prefix}: the store says there is more, and not where.`,
              '',
            )
        } while (token !== undefined && objects.length < mostObjects)
        return { objects, isWhole: token === undefined }
      }),
    find: (key) =>
      guarded(`look at s3://${bucket}/${key}`, async (abortSignal) => {
        const { sdk, client: asked } = await client()
        // Not by HEAD: its refusals have no body, so that nobody could say what is the matter.
        const command = new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: key, MaxKeys: 1, EncodingType: 'url' })
        const [first] = (await asked.send(command, { abortSignal })).Contents ?? []
        if (first?.Key === undefined || decoded(first.Key) !== key || first.Size === undefined) return null
        return { key, bytes: first.Size, mtimeMs: first.LastModified?.getTime() ?? 0, etag: first.ETag ?? '' }
      }),
    read: (key, offset, length, etag) =>
      guarded(`read s3://${bucket}/${key}`, async (abortSignal) => {
        if (length <= 0) return new Uint8Array()
        const { sdk, client: asked } = await client()
        for (let tries = 1; ; tries++) {
          try {
            const command = new sdk.GetObjectCommand({
              Bucket: bucket,
              Key: key,
              Range: `bytes=${offset}-${offset + length - 1}`,
              IfMatch: etag,
            })
            const answer = await asked.send(command, { abortSignal })
            const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array()
            if (answer.ContentRange !== undefined && !answer.ContentRange.startsWith(`bytes ${offset}-`))
              throw new StoreError(
                `Cannot read s3://${bucket}/${key}: bytes from ${offset} on were asked for, and ${answer.ContentRange} came.`,
                'range',
              )
            // A store that knows no ranges sends all of it.
            const whole = answer.ContentRange === undefined ? bytes.subarray(offset) : bytes
            if (answer.ContentLength !== undefined && bytes.byteLength !== answer.ContentLength) throw new Cut()
            return whole.subarray(0, length)
          } catch (error) {
            const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } }
            const status = $metadata?.httpStatusCode
            if (name === 'NoSuchKey' || (status === 404 && name !== 'NoSuchBucket')) return 'gone'
            if (status === 412 || name === 'PreconditionFailed') return 'changed'
            if (status === 416 || name === 'InvalidRange') return new Uint8Array()
            if (!isCut(error) || tries >= mostTries || abortSignal.aborted) throw error
            await new Promise((done) => setTimeout(done, timing.pauseMs * tries))
          }
        }
      }),
    close: () => void opened?.then(({ client: made }) => made.destroy()).catch(() => {}),
  }
}

/** A body that ended before its length. */
class Cut extends Error {}
const isCut = (error: unknown) =>
  error instanceof Cut ||
  /ECONNRESET|ERR_STREAM_PREMATURE_CLOSE/.test(String((error as { code?: unknown } | null)?.code)) ||
  /aborted|premature close|socket hang up/i.test(error instanceof Error ? error.message : '')

const decoded = (key: string) => {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return key
  }
}

function makeClient(sdk: typeof import('./sdk.ts'), options: StoreOptions): S3Client {
  const { endpoint, isPathStyle, region, profile } = options
  return new sdk.S3Client({
    maxAttempts: mostTries,
    followRegionRedirects: true,
    // A checksum of a whole object says nothing of a part of it.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 30_000 },
    ...(endpoint === null ? {} : { endpoint }),
    ...(isPathStyle ? { forcePathStyle: true } : {}),
    // Stores of one's own have no regions, and yet one is signed.
    ...(region !== null
      ? { region }
      : endpoint !== null && process.env.AWS_REGION === undefined
        ? { region: 'us-east-1' }
        : {}),
    ...(profile === null ? {} : { profile }),
  })
}
