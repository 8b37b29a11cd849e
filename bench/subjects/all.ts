import { bare } from './bare.ts'
import { mintage } from './mintage.ts'
import type { Subject } from './subject.ts'

/** Ours: what everything else is measured against. */
export const ours: readonly Subject[] = [bare, mintage]

/** Everybody else's, in the order of the tables. Each stands in a folder of its own under `bench/peers/`. */
export const peers: readonly Subject[] = []
