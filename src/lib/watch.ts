/** The pieces of work whose time is worth knowing: where a request waits for something. */
export type Step = 'hash' | 'sign' | 'transaction' | 'redemption'

/** Runs a piece of work, and lets whoever watches know how long it took. */
export type Watch = <T>(step: Step, work: () => Promise<T>) => Promise<T>

/** Nobody watches. */
export const unwatched: Watch = (_step, work) => work()
