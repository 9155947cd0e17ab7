/** What is used of the client, by name: loaded late as a whole, and by these names also from a bundle. */
export { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
