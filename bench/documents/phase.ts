/** What a server answers, the same for every request of its kind. */
export interface DocumentAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** One request, over and over. */
export interface DocumentRequest {
  readonly name: string
  /** Of a GET; the form of a POST to the introspection endpoint. */
  readonly key: string
  readonly method: 'GET' | 'POST'
}

export interface DocumentPhase {
  readonly port: number
  readonly authorization: string
  readonly request: DocumentRequest
  /** What every answer must be. */
  readonly body: string
  readonly connections: number
  readonly milliseconds: number
}
