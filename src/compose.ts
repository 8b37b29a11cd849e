import type { RequestListener } from 'node:http'
import { ApiDirectory } from './apis/api-directory.ts'
import { ClientAuthentication } from './clients/client-authentication.ts'
import { ClientDirectory } from './clients/client-directory.ts'
import { Duties } from './compose/duties.ts'
import { type Observation, openObservation } from './compose/observation.ts'
import { hashPolicy, keyPolicy, streamPlaces, warnOfMissingClients } from './compose/policies.ts'
import type { RunningIssuer, StartOptions } from './compose/running-issuer.ts'
import { openThrottle } from './compose/throttling.ts'
import type { WorkerPart } from './compose/worker-part.ts'
import { type Config, ConfigError, missingIssuer } from './config.ts'
import { createLogger, type Logger } from './events/log.ts'
import { Shedding } from './events/shedding.ts'
import { clientCredentialsGrant } from './grants/client-credentials.ts'
import { PasswordGrant } from './grants/password.ts'
import { GrantPipeline } from './grants/pipeline.ts'
import { RefreshTokenGrant } from './grants/refresh-token.ts'
import { createApp } from './http/app.ts'
import { refuseEarly } from './http/early-refusal.ts'
import { Readiness } from './http/health.ts'
import { type HttpServer, listen } from './http/server.ts'
import { endpointBase, issuerPath } from './http/well-known/metadata.ts'
import { createVaults } from './keys/installed-vault.ts'
import { KeyRing } from './keys/key-ring.ts'
import { type Clock, systemClock } from './lib/clock.ts'
import { second } from './lib/durations.ts'
import { ForeignExchange } from './sessions/foreign-exchange.ts'
import { LiveSessions } from './sessions/live-sessions.ts'
import { SessionService } from './sessions/session-service.ts'
import { Status } from './status/status.ts'
import { FailedAttempts } from './store/audit/failed-attempts.ts'
import { openStore } from './store/store.ts'
import { ForeignTokens } from './tokens/foreign-tokens.ts'
import { Introspection } from './tokens/introspection.ts'
import { IssuingLoad } from './tokens/issuing-load.ts'
import { Mint } from './tokens/mint.ts'
import { Revocation } from './tokens/revocation.ts'
import { HashPool } from './users/hash-pool.ts'
import { UserAuthentication } from './users/user-authentication.ts'

export type { RunningIssuer, StartOptions } from './compose/running-issuer.ts'

/** Everything behind the port of one process. */
interface Issuer {
  readonly handle: RequestListener
  /** From now on the process can answer; retry windows count from here at the earliest. */
  beginServing(): Promise<void>
  /** From now on `readyz` says no. */
  drain(): void
  /** See {@link Readiness.problems}. */
  problems(): Promise<readonly string[]>
  close(): Promise<void>
}

/** How long requests under way may take to end when the process is told to stop, in milliseconds. */
const patience = 7 * second

/**
 * Listens first, for the name of the issuer may depend on the port, and serves when everything is wired. A worker listens
 * last, since connections that others could serve would be handed to it at once.
 * @throws {ConfigError} without an issuer; {ListenError} when the address cannot be had;
 *   {StoreUnavailableError}, {SchemaError} or {VaultError} when what it stands on cannot be used.
 */
export async function startIssuer(options: StartOptions): Promise<RunningIssuer> {
  const { config, clock, worker } = options
  if (!options.prepare && config.issuer === undefined) throw new ConfigError([missingIssuer])
  const logger = createLogger(config.logLevel, options.logTo)
  for (const warning of config.warnings) logger.warn({ event: 'config.warning', message: warning })
  const { host, port, maxConnections } = config
  const server = await listen({ host, port, maxConnections, later: worker !== undefined })
  let observation: Observation | undefined
  try {
    observation = await openObservation(config, logger, worker)
    const name = options.prepare ? await options.prepare(server.url) : config.issuer
    if (name === undefined) throw new ConfigError([missingIssuer])
    const issuer = await composeIssuer(config, name, logger, { server, observation, worker }, clock)
    await issuer.beginServing()
    server.serve(issuer.handle)
    await server.open()
    const { adminUrl, metrics } = observation
    return {
      url: server.url,
      issuer: name,
      adminUrl,
      problems: issuer.problems,
      samples: async () => (await metrics?.samples()) ?? [],
      async stop(reason, linger = 0) {
        if (!worker) logger.info({ event: 'stopping', reason })
        issuer.drain()
        await server.close({ linger, patience })
        await observation?.close()
        await issuer.close()
        if (!worker) logger.info({ event: 'stopped' })
      },
    }
  } catch (error) {
    await server.close({ linger: 0, patience: 0 })
    await observation?.close()
    throw error
  }
}

interface Surroundings {
  readonly server: HttpServer
  readonly observation: Observation
  readonly worker: WorkerPart | undefined
}

/** Wires everything behind the port. */
async function composeIssuer(
  config: Config,
  issuer: string,
  logger: Logger,
  { server, observation, worker }: Surroundings,
  storeClock?: Clock,
): Promise<Issuer> {
  const onError = (error: unknown) => logger.error({ event: 'background.failed', err: error })
  const clock = storeClock ?? systemClock
  const store = await openStore({
    url: config.databaseUrl,
    pool: config.databasePool,
    ...(storeClock && { clock: storeClock }),
    onEvent: observation.sink,
    watch: observation.watch,
  })
  const vault = createVaults(config, store).configured
  const duties = new Duties({ config, store, vault, logger, onError, areElsewhere: worker !== undefined })
  // The ring turns when it is opened, and an old database must be refused before anything changes in it.
  const opening = vault
    .confirm(store.secrets)
    .then(() => duties.begin())
    .then(() => KeyRing.open({ store, vault, policy: keyPolicy(config), clock, onError }))
  const keys = await opening.catch(async (error) => {
    await store.close()
    throw error
  })
  const status = await Status.open({
    issuer,
    base: endpointBase(issuer),
    store,
    keys,
    clock,
    accessTokenTtl: config.accessTokenTtl,
    subscribers: streamPlaces(config),
    onError,
  }).catch(async (error) => {
    await keys.close()
    await store.close()
    throw error
  })
  const clientDirectory = new ClientDirectory(store)
  const apis = new ApiDirectory(store)
  const { watch } = observation
  const shedding = new Shedding(logger)
  const hashes = new HashPool({
    ...hashPolicy(config),
    patience: config.hashWait,
    onShed: (reason) => shedding.record('password', reason),
    watch,
  })
  const load = new IssuingLoad({
    most: config.issueQueue,
    retryWithin: config.refreshRetryWindow / 2,
    onShed: (grant, reason) => shedding.record(grant, reason),
  })
  const sessions = new SessionService(store, keys, status.places, {
    idleTtl: config.sessionIdleTtl,
    ttl: config.sessionTtl,
    retryWindow: config.refreshRetryWindow,
  })
  const exchanges = new ForeignExchange(store, sessions)
  const failures = new FailedAttempts({ store, clock, onError })
  const { throttle, gate } = openThrottle(config, {
    store,
    clock,
    keys,
    onError,
    observation,
    host: worker?.counters,
  })
  const clients = new ClientAuthentication(clientDirectory, failures, clock, gate)
  const grants = [
    clientCredentialsGrant,
    new PasswordGrant(new UserAuthentication(store, hashes, failures, gate), sessions),
    new RefreshTokenGrant(sessions, exchanges),
  ]
  const { foreignKey } = config
  const foreignTokens = foreignKey && new ForeignTokens(foreignKey.key, foreignKey.until, clock)
  const readiness = new Readiness(store, keys, clock)
  const core = {
    pipeline: new GrantPipeline({ issuer, apis, grants, load }),
    mint: new Mint({
      issuer,
      accessTokenTtl: config.accessTokenTtl,
      keys,
      status,
      store,
      clock,
      load,
      watch,
    }),
    introspection: new Introspection({
      issuer,
      keys,
      store,
      sessions,
      status,
      clients: clientDirectory,
      apis,
      clock,
    }),
    revocation: new Revocation({ issuer, keys, store, sessions, status, clock }),
  }
  if (!worker) await warnOfMissingClients(config, clientDirectory, logger)
  const addRoutes = await loadDjangoRoutes(config)
  const app = createApp({
    issuer,
    jwksMaxAge: config.jwksMaxAge,
    logger,
    keys,
    apis,
    clients,
    ...core,
    sessions,
    liveSessions: new LiveSessions(store, keys),
    django: addRoutes && {
      addRoutes,
      clients: config.djangoClients,
      services: { ...core, clients: clientDirectory, sessions, exchanges, foreignTokens, clock, logger },
    },
    readiness,
    status,
    trustedProxies: config.trustedProxies,
    corsOrigins: config.corsOrigins,
    requests: observation.requests,
    tracing: observation.tracing,
  })
  const subscribers = () => status.stream.subscribers
  observation.begin({ server, hashes, load, shedding, keys, clock, readiness, subscribers })
  return {
    handle: refuseEarly(app.callback(), {
      path: issuerPath(issuer),
      load,
      logins: hashes,
      requests: observation.requests,
    }),
    async beginServing() {
      await store.beginServing()
      duties.start()
    },
    drain() {
      readiness.draining = true
      status.stream.close()
    },
    problems: () => readiness.problems(),
    async close() {
      await duties.rest()
      shedding.close()
      // Every answer has been given; what is still being hashed is for a request that was cut.
      await hashes.abandon()
      await throttle?.close()
      await status.close()
      await keys.close()
      clientDirectory.close()
      apis.close()
      await failures.close()
      await duties.close()
      await store.close()
    },
  }
}

/** Loaded where a wire format has a client, since a start must not wait for what answers nothing. */
async function loadDjangoRoutes({ djangoClients }: Config) {
  if (Object.values(djangoClients).every((clientId) => clientId === undefined)) return undefined
  return (await import('./http/django/routes.ts')).addDjangoRoutes
}
