import { glewlwyd } from '../peers/glewlwyd/glewlwyd.ts'
import { keycloak } from '../peers/keycloak/keycloak.ts'
import { spring } from '../peers/spring/spring.ts'
import { bare } from './bare.ts'
import { mintage } from './mintage.ts'
import type { Subject } from './subject.ts'

/** Ours: what everything else is measured against. */
export const ours: readonly Subject[] = [bare, mintage]

/** Everybody else's, in the order of the tables. Each stands in a folder of its own under `bench/peers/`. */
export const peers: readonly Subject[] = []

/** Too heavy to come along unasked: they take minutes to install, and PostgreSQL or Java. Only `--peers` brings them. */
export const suites: readonly Subject[] = [keycloak, spring, glewlwyd]
