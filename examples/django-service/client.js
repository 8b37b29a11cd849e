/** A browser's client of the service: plain fetch, written for SimpleJWT's views. */
export class NotesClient {
  #access
  #refresh

  /** `tokenUrl` is where the token views are; with the service itself unless said otherwise. */
  constructor({ apiUrl, tokenUrl = apiUrl }) {
    this.apiUrl = apiUrl
    this.tokenUrl = tokenUrl
  }

  async login(username, password) {
    const pair = await this.#post('/api/token/', { username, password })
    this.#access = pair.access
    this.#refresh = pair.refresh
  }

  /** Calls the service; an access token that is over is exchanged for a new one, once. */
  async call(path, { method = 'GET', body } = {}) {
    const send = () =>
      fetch(`${this.apiUrl}${path}`, {
        method,
        headers: { Authorization: `Bearer ${this.#access}`, 'Content-Type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      })
    let response = await send()
    if (response.status === 401) {
      await response.arrayBuffer()
      await this.refresh()
      response = await send()
    }
    if (!response.ok) throw new Refused(response.status, await response.json())
    return response.json()
  }

  async refresh() {
    const { access, refresh = this.#refresh } = await this.#post('/api/token/refresh/', {
      refresh: this.#refresh,
    })
    this.#access = access
    this.#refresh = refresh
  }

  /** Nothing when the access token is good; throws otherwise. */
  verify() {
    return this.#post('/api/token/verify/', { token: this.#access })
  }

  logout() {
    return this.#post('/api/token/blacklist/', { refresh: this.#refresh })
  }

  async #post(path, body) {
    const response = await fetch(`${this.tokenUrl}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
    const answer = await response.json()
    if (!response.ok) throw new Refused(response.status, answer)
    return answer
  }
}

export class Refused extends Error {
  constructor(status, answer) {
    super(`${status} ${JSON.stringify(answer)}`)
    this.status = status
    this.answer = answer
  }
}
