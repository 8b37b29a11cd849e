import type { Fault } from './fault.ts'
import { kill } from './rows/kill.ts'
import { lostAnswer } from './rows/lost-answer.ts'
import { oneToken } from './rows/stampede.ts'

/** Every row of the table, in its order. */
export const faults: readonly Fault[] = [kill, lostAnswer, oneToken]
