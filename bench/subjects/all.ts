import { glewlwyd } from '../peers/glewlwyd/glewlwyd.ts'
import { keycloak } from '../peers/keycloak/keycloak.ts'
import { naive } from '../peers/naive/naive.ts'
import {
  nodeOidcProvider,
  nodeOidcProviderOnSqlite,
  nodeOidcProviderWithOpenid,
} from '../peers/node-oidc-provider/node-oidc-provider.ts'
import { simpleJwt, simpleJwtWithRs256 } from '../peers/simplejwt/simplejwt.ts'
import { spring } from '../peers/spring/spring.ts'
import { bare } from './bare.ts'
import { mintage } from './mintage.ts'
import type { Subject } from './subject.ts'

/** Ours: what everything else is measured against. */
export const ours: readonly Subject[] = [bare, mintage]

/** Everybody else's, in the order of the tables. Each stands in a folder of its own under `bench/peers/`. */
export const peers: readonly Subject[] = [
  nodeOidcProvider,
  nodeOidcProviderWithOpenid,
  nodeOidcProviderOnSqlite,
  naive,
  simpleJwt,
  simpleJwtWithRs256,
]

/** Those that install in seconds, for a run that only shows that all works. */
export const quickPeers: readonly Subject[] = [nodeOidcProvider, naive]

/** Too heavy to come along unasked: they take minutes to install, and PostgreSQL or Java. Only `--peers` brings them. */
export const suites: readonly Subject[] = [keycloak, spring, glewlwyd]
