import type { Fault } from './fault.ts'
import { kill } from './rows/kill.ts'

/** Every row of the table, in its order. */
export const faults: readonly Fault[] = [kill]
