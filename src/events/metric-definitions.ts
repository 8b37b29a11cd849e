import { shedReasons } from '../lib/overloaded-error.ts'
import { grantTypes } from '../protocol/grant-types.ts'
import type { Event, SessionEnd, ThrottledBy } from './event.ts'

/** What one metric is: its kind, what it counts, and the labels that tell its series apart. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** The labels, each with the values that it can have, or where they come from. */
  readonly labels?: Readonly<Record<string, readonly string[] | string>>
  /** Upper bounds of a histogram, in seconds. */
  readonly buckets?: readonly number[]
  /** What the values of several processes are together, where it is not their sum. */
  readonly together?: 'first' | 'max'
}

/** From a signature on a fast machine to a request that somebody gives up. */
const seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Hashing takes a quarter of a second at the default cost, and waits for a thread before. */
const hashSeconds = [0.005, 0.025, 0.1, 0.2, 0.3, 0.4, 0.6, 1, 2, 5, 10]

type ReasonOf<Type extends Event['type']> = Extract<
  Event,
  { readonly type: Type; readonly reason: string }
>['reason']

/** Each of them, which the compiler sees to, and what stands for none of them. */
const reasons = <Reason extends string>(each: Readonly<Record<Reason, true>>) => [
  ...Object.keys(each),
  'other',
]

const sessionEnds = reasons<SessionEnd>({
  reuse: true,
  revoked_by_client: true,
  revoked_by_operator: true,
  user_disabled: true,
  user_deleted: true,
  password_changed: true,
  client_disabled: true,
  client_deleted: true,
  keys_revoked: true,
  database_recovered: true,
  revocation_lost: true,
})
const loginFailures = reasons<ReasonOf<'login.failed'>>({ unknown: true, password: true, disabled: true })
const clientFailures = reasons<ReasonOf<'client.authentication_failed'>>({
  unknown: true,
  secret: true,
  disabled: true,
  method: true,
})

const throttledBy: readonly ThrottledBy[] = ['name', 'network', 'requests']

/**
 * Every metric of Mintage itself. No label holds a client, a user, a key or a path: their number would grow with what
 * strangers send. docs/metrics.md is made from this.
 */
export const metricDefinitions = {
  mintage_build_info: {
    kind: 'gauge',
    help: 'Always 1; the labels tell what runs.',
    labels: { version: 'the version of Mintage', node: 'the version of Node' },
    together: 'first',
  },
  mintage_processes_serving: {
    kind: 'gauge',
    help: 'Processes that serve now: 1, or as many as `serve --workers` asked for.',
  },
  mintage_worker_ends_total: {
    kind: 'counter',
    help: 'Worker processes that ended though nobody had told them to; each is started again.',
  },
  mintage_events_total: {
    kind: 'counter',
    help: 'Business events of this server, by type. What a command does beside it is not among them.',
    labels: { type: 'the types of docs/events.md' },
  },
  mintage_tokens_issued_total: {
    kind: 'counter',
    help: 'Access tokens issued, by grant.',
    labels: { grant: ['client_credentials', 'password', 'refresh_token'] },
  },
  mintage_refreshes_total: {
    kind: 'counter',
    help: 'Refresh tokens redeemed: rotated to the next generation, retried because an answer was lost, or kept as they are.',
    labels: { outcome: ['rotated', 'retried', 'kept'] },
  },
  mintage_refresh_reuses_total: {
    kind: 'counter',
    help: 'Refresh tokens presented outside of the rules; each ended its session. A thief, or a client that forgets.',
  },
  mintage_refresh_adoptions_total: {
    kind: 'counter',
    help: 'Refresh tokens that were newer than their session: the database has lost commits.',
  },
  mintage_refresh_foreign_clients_total: {
    kind: 'counter',
    help: 'Refresh tokens presented by another client than the one of their session.',
  },
  mintage_logins_total: {
    kind: 'counter',
    help: 'Logins by password, by outcome: succeeded, or the reason why not.',
    labels: { outcome: ['succeeded', ...loginFailures] },
  },
  mintage_client_authentication_failures_total: {
    kind: 'counter',
    help: 'Requests whose client could not be authenticated, by reason.',
    labels: { reason: clientFailures },
  },
  mintage_throttle_refusals_total: {
    kind: 'counter',
    help: 'Attempts that were refused unseen because there were too many before, by whose secret was tried and what was counted.',
    labels: { kind: ['user', 'client'], by: throttledBy },
  },
  mintage_sessions_started_total: { kind: 'counter', help: 'Sessions started.' },
  mintage_sessions_ended_total: {
    kind: 'counter',
    help: 'Sessions ended before their time by this server, by reason.',
    labels: { reason: sessionEnds },
  },
  mintage_access_tokens_revoked_total: { kind: 'counter', help: 'Access tokens revoked one by one.' },
  mintage_errors_total: {
    kind: 'counter',
    help: 'Errors answered, by the code of RFC 6749 §5.2, or of Django REST framework, and by route.',
    labels: {
      code: 'the codes of the RFCs, and of Django REST framework',
      route: 'the patterns of the routes, or none',
    },
  },
  mintage_http_request_duration_seconds: {
    kind: 'histogram',
    help: 'Time from the head of a request to its answer being ready, by route, method and class of status.',
    labels: {
      route: 'the patterns of the routes, or none',
      method: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', '_OTHER'],
      status: ['1xx', '2xx', '3xx', '4xx', '5xx'],
    },
    buckets: seconds,
  },
  mintage_http_requests_in_flight: { kind: 'gauge', help: 'Requests that are being answered now.' },
  mintage_http_connections: { kind: 'gauge', help: 'Connections that are open now.' },
  mintage_http_refusals_total: {
    kind: 'counter',
    help: 'Requests and connections refused before any route saw them: malformed, too slow, too large, too many.',
    labels: { status: ['400', '408', '431', '503'] },
  },
  mintage_password_hash_duration_seconds: {
    kind: 'histogram',
    help: 'Time to hash or check a password, the wait for a thread included.',
    buckets: hashSeconds,
  },
  mintage_password_hash_queue_length: {
    kind: 'gauge',
    help: 'Passwords that wait for a hashing thread now. When the queue is full, logins are answered with 503.',
  },
  mintage_tokens_under_way: {
    kind: 'gauge',
    help: 'Tokens that wait for a commit or a signature now, or are in either. At MINTAGE_ISSUE_QUEUE refreshes are answered with 503, at half of it clients that ask for themselves.',
  },
  mintage_requests_shed_total: {
    kind: 'counter',
    help: 'Token requests answered with 503 before anything was done for them: no room to wait (full), waited for too long (late), or whoever asked hung up (gone).',
    labels: { grant: grantTypes, reason: shedReasons },
  },
  mintage_signature_duration_seconds: {
    kind: 'histogram',
    help: 'Time to sign an access token, the wait for a thread included.',
    buckets: seconds,
  },
  mintage_database_duration_seconds: {
    kind: 'histogram',
    help: 'Time of a transaction, its waits and repetitions included; a redemption is that of one refresh token.',
    labels: { kind: ['transaction', 'redemption'] },
    buckets: seconds,
  },
  mintage_signing_keys: {
    kind: 'gauge',
    help: 'Published signing keys, by state.',
    labels: { state: ['next', 'current', 'retired'] },
    together: 'max',
  },
  mintage_signing_key_age_seconds: {
    kind: 'gauge',
    help: 'Time since the current signing key began to sign. Far beyond MINTAGE_KEY_ROTATION, rotation is stuck.',
    together: 'max',
  },
  mintage_status_subscribers: {
    kind: 'gauge',
    help: 'Connections that follow the stream of status events now.',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>

export type MetricName = keyof typeof metricDefinitions
