import type { Fault } from './fault.ts'
import { clockJumps } from './rows/clock.ts'
import { endurance } from './rows/endurance.ts'
import { kill } from './rows/kill.ts'
import { loginHerd } from './rows/login-herd.ts'
import { lostAnswer } from './rows/lost-answer.ts'
import { diskFull, locked, moved, stateFull, unmounted } from './rows/outages.ts'
import { postgresFaults } from './rows/postgres.ts'
import { restore } from './rows/restore.ts'
import { rotation } from './rows/rotation.ts'
import { oneToken } from './rows/stampede.ts'
import { stop } from './rows/stop.ts'
import { unknownKid } from './rows/unknown-kid.ts'

/** Every row of the table, in its order. */
export const faults: readonly Fault[] = [
  kill,
  lostAnswer,
  diskFull,
  stateFull,
  locked,
  moved,
  unmounted,
  clockJumps,
  rotation,
  oneToken,
  loginHerd,
  unknownKid,
  endurance,
  stop,
  restore,
  ...postgresFaults(),
]
