import type { ClientDirectory } from '../../clients/client-directory.ts'
import { UnavailableError } from '../../lib/unavailable-error.ts'
import { permissionDenied } from './rest/api-error.ts'

/** The client that the endpoints of one wire format act for. Requests say nothing of it and prove nothing. */
export class ConfiguredClient {
  readonly #directory: ClientDirectory
  readonly #clientId: string
  readonly #setting: string

  /** @param setting names it to the operator. */
  constructor(directory: ClientDirectory, clientId: string, setting: string) {
    this.#directory = directory
    this.#clientId = clientId
    this.#setting = setting
  }

  /**
   * @throws {UnavailableError} when there is no such client: the operator is to make it, or correct the setting.
   * @throws {ApiError} 403 when it is disabled.
   */
  async find() {
    const registered = await this.#directory.find(this.#clientId)
    if (!registered)
      throw new UnavailableError(`${this.#setting} names no client: there is no ${this.#clientId}.`)
    if (registered.client.disabledAt !== null) throw permissionDenied()
    return registered.client
  }
}
