/** One MAC key of the refresh tokens: its id, a 32-bit unsigned integer, and 32 bytes. */
export interface MacKey {
  readonly id: number
  readonly key: Uint8Array
}

/** The MAC keys that are in force; the key ring has them. */
export interface MacKeys {
  currentMacKey(): MacKey
  /** 32 bytes; undefined when the key is unknown or withdrawn. */
  macKey(id: number): Uint8Array | undefined
}
