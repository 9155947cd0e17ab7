import { d1, d2, d3 } from './disk.ts'
import { n6 } from './flap.ts'
import { l2, n4 } from './floods.ts'
import { n7 } from './identity.ts'
import { k1, k2, k3, k4 } from './kx-itself.ts'
import { s6 } from './lies.ts'
import { n1, n2 } from './link.ts'
import { n8 } from './no-ssh.ts'
import { s4, s5 } from './odd-boxes.ts'
import { s1, s2, s3 } from './server.ts'
import { d4, d5, n3, n5 } from './transfer.ts'
import type { FaultRow } from './types.ts'

/** The rows of the fault table that are about a link, its far end and kx itself (handbook reliability 12). */
export const faultRows: readonly FaultRow[] = [
  n1,
  n2,
  n3,
  n4,
  n5,
  n6,
  n7,
  n8,
  s1,
  s2,
  s3,
  s4,
  s5,
  s6,
  d1,
  d2,
  d3,
  d4,
  d5,
  k1,
  k2,
  k3,
  k4,
  l2,
]
