import type { MacKey } from '../keys/key-ring.ts'

/** The MAC keys that are in force; the key ring has them. */
export interface MacKeys {
  currentMacKey(): MacKey
  /** 32 bytes; undefined when the key is unknown or withdrawn. */
  macKey(id: number): Buffer | undefined
}
