/** How long one request may take, and how long a refresh is tried before the caller is told, in milliseconds. */
const requestTimeout = 10_000
const patience = 60_000

/** The pause before the second attempt, and the longest one, in milliseconds. */
const firstPause = 100
const longestPause = 5_000

/** The session is over, and nothing but a new login helps. */
export class LoggedOutError extends Error {
  name = 'LoggedOutError'
}

/**
 * Keeps one session with a Mintage issuer. It uses nothing but `fetch` and a store, which holds one JSON value:
 *
 *     { refresh_token, retry_key, access_token, expires_at }
 *
 * `retry_key` is there from before a refresh is sent until its answer has been stored. So whatever happens in between,
 * the same token can be sent with the same key again, and the answer is the same successor.
 */
export class TokenClient {
  #issuer
  #clientId
  #clientSecret
  #store
  #lock
  #refreshing

  /**
   * @param options.store `read()` gives what `write(value)` was given last, undefined at first; a value that was
   *   written survives a crash.
   * @param options.lock runs what it is given while nobody else who shares the store does. In a browser:
   *   `(work) => navigator.locks.request('tokens', work)`. Left out, the store is this client's alone.
   */
  constructor({ issuer, clientId, clientSecret, store, lock = (work) => work() }) {
    this.#issuer = issuer.replace(/\/$/, '')
    this.#clientId = clientId
    this.#clientSecret = clientSecret
    this.#store = store
    this.#lock = lock
  }

  /** Starts a session. A login whose answer is lost is simply made again. */
  async login(username, password) {
    const sentAt = Date.now()
    const answer = await this.#post('token', { grant_type: 'password', username, password })
    if (answer.status !== 200) throw describe(answer)
    await this.#lock(() => this.#store.write(toState(answer.body, sentAt)))
  }

  /** An access token that is good for `minLife` more seconds at least. */
  async accessToken(minLife = 60) {
    const state = await this.#store.read()
    if (isFresh(state, minLife)) return state.access_token
    // Calls that come while a refresh is under way share it.
    this.#refreshing ??= this.#lock(() => this.#refresh(minLife)).finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(minLife) {
    const state = await this.#store.read()
    // Another tab may have refreshed while this one waited for the lock.
    if (isFresh(state, minLife)) return state.access_token
    if (!state?.refresh_token) throw new LoggedOutError('There is no session: log in.')
    // A key that is there already belongs to a refresh whose answer never came. It is sent again, never replaced.
    const retryKey = state.retry_key ?? crypto.randomUUID()
    await this.#store.write({ ...state, retry_key: retryKey })

    const { body, sentAt } = await this.#redeem(state.refresh_token, retryKey)
    await this.#store.write(toState(body, sentAt))
    return body.access_token
  }

  /** Sends the same token and key until there is an answer that means something. */
  async #redeem(refreshToken, retryKey) {
    const deadline = Date.now() + patience
    for (let pause = firstPause; ; pause = Math.min(2 * pause, longestPause)) {
      const sentAt = Date.now()
      const answer = await this.#post(
        'token',
        { grant_type: 'refresh_token', refresh_token: refreshToken },
        { 'Idempotency-Key': retryKey },
      ).catch((error) => ({ status: 0, body: {}, error }))
      if (answer.status === 200) return { body: answer.body, sentAt }
      if (answer.status === 400 && answer.body.error === 'invalid_grant') {
        // Perhaps somebody else refreshed with a stolen token. Revoking it, old as it is, ends the session for them too.
        await this.#post('revoke', { token: refreshToken }).catch(() => undefined)
        await this.#store.write(undefined)
        throw new LoggedOutError('The session is over: log in again.')
      }
      // No answer, too many requests, or an outage: nobody knows whether the token was redeemed, so it is kept.
      const mayHelp = answer.status === 0 || answer.status === 429 || answer.status >= 500
      if (!mayHelp || Date.now() + pause > deadline) throw describe(answer)
      const wait = Math.max(pause * (0.5 + Math.random()), 1_000 * (answer.retryAfter ?? 0))
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }

  async #post(endpoint, form, headers = {}) {
    const response = await fetch(`${this.#issuer}/oauth2/${endpoint}`, {
      method: 'POST',
      headers: { Accept: 'application/json', ...headers },
      body: new URLSearchParams({
        ...form,
        client_id: this.#clientId,
        ...(this.#clientSecret && { client_secret: this.#clientSecret }),
      }),
      signal: AbortSignal.timeout(requestTimeout),
    })
    const retryAfter = Number(response.headers.get('Retry-After')) || undefined
    // A proxy may answer in HTML; half an answer is none, and throws.
    const text = await response.text()
    return { status: response.status, retryAfter, body: text.startsWith('{') ? JSON.parse(text) : {} }
  }
}

function isFresh(state, minLife) {
  return state?.access_token !== undefined && state.expires_at - Date.now() > minLife * 1_000
}

/** What is stored after an answer: without a retry key, since this one has arrived. */
function toState({ refresh_token, access_token, expires_in }, sentAt) {
  // Counted from when it was asked for, so that it is never thought to live longer than it does.
  return { refresh_token, access_token, expires_at: sentAt + expires_in * 1_000 }
}

/** An error for people. It holds no token. */
function describe({ status, body, error }) {
  if (status === 0) return new Error('The issuer gave no answer.', { cause: error })
  return new Error(`The issuer answered ${status} ${body.error ?? ''}: ${body.error_description ?? ''}`)
}
