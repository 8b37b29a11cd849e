import type { Change, Claims } from './corner.ts'

/** A request; `{name}` in target, headers and body stands for what an earlier step kept. */
export interface Ask {
  readonly method?: string
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

export type Step =
  /** Compared under this name. */
  | { readonly compare: string; readonly ask: Ask; readonly keep?: Kept }
  /** Only for what it gives; it must give it. */
  | { readonly prepare: Ask; readonly keep: Kept }
  | { readonly change: Change }
  | { readonly alter: string; readonly to: string; readonly by: (claims: Claims) => Claims }
  | { readonly rewrite: string; readonly to: string; readonly by: (token: string) => string }
  | { readonly expire: string; readonly to: string }

/** Names for members of a JSON answer. */
export type Kept = Readonly<Record<string, string>>

export type Scenario = readonly Step[]

export interface Endpoint {
  readonly name: string
  readonly path: string
  /** What a good request holds, by field; `{name}` as in {@link Ask}. */
  readonly fields: Readonly<Record<string, string>>
}

/** One family of endpoints: how to log in, and which there are. */
export interface Family {
  readonly login: Endpoint
  /** What a login gives, for the steps after it. */
  readonly kept: Kept
  readonly others: readonly Endpoint[]
}

export const json = (value: unknown) => JSON.stringify(value)
export const asJson = { 'Content-Type': 'application/json' } as const
export const asForm = { 'Content-Type': 'application/x-www-form-urlencoded' } as const

/** The steps without which a good request to the endpoint has nothing to send. */
export function prelude({ login, kept }: Family, endpoint: Endpoint): readonly Step[] {
  const needs = Object.values(endpoint.fields).some((value) => /^\{\w+\}$/.test(value))
  return needs ? [{ prepare: post(login), keep: kept }] : []
}

/** A good request to the endpoint, in JSON, or what is said otherwise. */
export function post(endpoint: Endpoint, fields: Readonly<Record<string, unknown>> = endpoint.fields): Ask {
  return { target: endpoint.path, headers: asJson, body: json(fields) }
}

/** One scenario of one request, after what it needs. */
export function single(family: Family, endpoint: Endpoint, name: string, ask: Ask): Scenario {
  const text = `${json(ask.headers ?? {})}${ask.body ?? ''}`
  const steps = /\{(access|refresh|token)\}/.test(text) ? prelude(family, endpoint) : []
  return [...steps, { compare: `${endpoint.name}: ${name}`, ask }]
}
