import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'

/** Verifies tokens by the key set that the server publishes at `url`, fetched again for a key that is not known. */
export function verifyByKeySet(url: string): (accessToken: string) => Promise<void> {
  let known: ReturnType<typeof createLocalJWKSet> | undefined
  const fetchKeys = async () => createLocalJWKSet((await (await fetch(url)).json()) as JSONWebKeySet)
  return async (accessToken) => {
    known ??= await fetchKeys()
    await jwtVerify(accessToken, known).catch(async () => {
      known = await fetchKeys()
      await jwtVerify(accessToken, known)
    })
  }
}
