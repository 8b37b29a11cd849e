/**
 * Which test, by its title, shows that the built executable does what a row of the interface says. A row that is not here
 * fails the index, unless nothing is built of it yet.
 */
export type Index = Readonly<Record<string, string>>

const administered =
  'what commands create can be used at once, and what they change takes effect, while a server runs'
const keysTurned = 'keys are listed, exported in public, rotated and revoked while a server runs'
const looked = 'what was made can be looked at, listed, changed and deleted by its name'
const passed = 'rows that cannot be taken are reported with their lines, and the rest goes on'

/** By the words that lead to the command. */
export const commandTests: Index = {
  dev: 'the credentials of dev do what the interface says of them',
  serve: 'serve says where it listens, in JSON, whatever the log level',
  migrate: 'without --json people get columns, and no control character reaches their terminal',
  'client create': administered,
  'client list': looked,
  'client get': looked,
  'client update': administered,
  'client disable': administered,
  'client enable': administered,
  'client rotate-secret': administered,
  'client delete': administered,
  'user create': administered,
  'user list': looked,
  'user get': looked,
  'user set-password': administered,
  'user disable': administered,
  'user enable': administered,
  'user delete': administered,
  'user import': passed,
  'user export': 'a reader that has seen enough ends a long list without a word',
  'api create': administered,
  'api list': looked,
  'api get': looked,
  'api update': administered,
  'api delete': looked,
  'session list': 'a list of sessions for people is cut where it says so, and one for programs is whole',
  'session revoke': administered,
  'keys list': keysTurned,
  'keys rotate': keysTurned,
  'keys rotate-mac': keysTurned,
  'keys revoke': keysTurned,
  'keys export': keysTurned,
  'token inspect': 'token inspect says of every token what it is and each thing that is wrong with it',
  backup: 'backup copies the database while a server writes to it, and the copy is an installation',
  'config check': 'config check says yes on stdout and warns on stderr, and both in JSON',
  'config print': 'config print shows where each value comes from, and no secret',
  doctor: 'beside a running server everything is well, and nothing is changed',
  'audit tail': 'audit tail and export show what changed trust, by type and by time',
  'audit export': 'audit tail and export show what changed trust, by type and by time',
  'audit verify':
    'audit verify tells a changed, a deleted, an inserted and a cut row, each by its place, and exits with 1',
  recover: 'an old database is refused, and after recover --end-sessions nothing issued before works',
}

const effects = 'each variable has its effect on the executable'
const limits = 'the limits of connections and the turn of keys are those of the variables'
const metrics = 'the admin listener is where its variables say, and origins may ask as theirs says'
const streams = 'the executable serves status lists and events, to as many as its variables allow'

const olderFormats =
  'the endpoints of djangorestframework-jwt and of the PyJWT recipe answer from the executable'
const simplejwt = 'the endpoints of SimpleJWT answer from the executable, for the client of their variable'

export const variableTests: Index = {
  MINTAGE_ISSUER: effects,
  MINTAGE_HOST: effects,
  MINTAGE_PORT: effects,
  MINTAGE_DATABASE_URL: effects,
  MINTAGE_KEYS_DIR: effects,
  MINTAGE_VAULT_KEY: 'with a vault key the keys lie sealed in the database, for every node and every command',
  MINTAGE_KEY_ROTATION: limits,
  MINTAGE_KEY_BITS: effects,
  MINTAGE_ACCESS_TOKEN_TTL: effects,
  MINTAGE_SESSION_IDLE_TTL: effects,
  MINTAGE_SESSION_TTL: effects,
  MINTAGE_REFRESH_RETRY_WINDOW: effects,
  MINTAGE_JWKS_MAX_AGE: effects,
  MINTAGE_BCRYPT_COST: effects,
  MINTAGE_HASH_THREADS: effects,
  MINTAGE_HASH_QUEUE: effects,
  MINTAGE_PASSWORD_MIN_LENGTH: effects,
  MINTAGE_THROTTLE:
    'row 15: throttle list tells who is refused, and throttle clear reaches a running server, and a restarted one',
  MINTAGE_MAX_CONNECTIONS: limits,
  MINTAGE_LOG_LEVEL: 'serve says where it listens, in JSON, whatever the log level',
  MINTAGE_ADMIN_HOST: metrics,
  MINTAGE_ADMIN_PORT: metrics,
  MINTAGE_STATE_DIR:
    'the mark lies where MINTAGE_STATE_DIR says, for its owner alone; one that is lost is written anew',
  MINTAGE_STREAM_SUBSCRIBERS: streams,
  MINTAGE_TRUSTED_PROXIES: streams,
  MINTAGE_CORS_ORIGINS: metrics,
  MINTAGE_SIMPLEJWT_CLIENT: simplejwt,
  MINTAGE_DRF_JWT_CLIENT: olderFormats,
  MINTAGE_PYJWT_CLIENT: olderFormats,
}

const answers = 'each endpoint answers from the executable'

export const endpointTests: Index = {
  '/api/token/': simplejwt,
  '/api/token/refresh/': simplejwt,
  '/api/token/verify/': simplejwt,
  '/api/token/blacklist/': simplejwt,
  '/api-token-auth/': olderFormats,
  '/api-token-refresh/': olderFormats,
  '/api-token-verify/': olderFormats,
  '/auth/login/': olderFormats,
  '/auth/refresh/': olderFormats,
  '/oauth2/token': answers,
  '/oauth2/introspect': answers,
  '/oauth2/revoke': answers,
  '/.well-known/jwks.json': answers,
  '/.well-known/oauth-authorization-server': answers,
  '/.well-known/openid-configuration': answers,
  '/status-lists/{id}': streams,
  '/status-lists/events': streams,
  '/livez': answers,
  '/readyz': answers,
  '/metrics': metrics,
}

/** What the interface promises and other work is to bring; whoever brings it takes it from here and adds its test. */
export const notBuiltYet: ReadonlySet<string> = new Set()
