import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** How many answers are remembered, and of requests that say how much of themselves, in UTF-16 units. */
const mostRemembered = 1_000
const longestRemembered = 120

/**
 * Tells where a request comes from: an IPv4 address, or an IPv6 /64, since a household or a thief has a whole one.
 * Proxies that are trusted are looked through; what others say of themselves is not believed.
 */
export class ClientNetworks {
  readonly #trusted: readonly (readonly [Address, number])[]
  /** What was found lately: reading addresses would be the dearest part of finding out who a client is. */
  readonly #found = new Map<string, string | undefined>()

  /** @param trusted networks and addresses of proxies whose `X-Forwarded-For` is believed. */
  constructor(trusted: readonly string[]) {
    this.#trusted = trusted.map((text) => {
      if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text)
      const address = ipaddr.parse(text)
      return [address, address.kind() === 'ipv4' ? 32 : 128]
    })
  }

  /**
   * The network of a request; undefined for this machine itself. A proxy on this machine that is not trusted is not
   * this machine: strangers stand behind it.
   */
  find(request: IncomingMessage): string | undefined {
    const forwarded = request.headers['x-forwarded-for']
    const named = Array.isArray(forwarded) ? forwarded.join(',') : forwarded
    const origin = request.socket.remoteAddress ?? ''
    const key = named === undefined ? origin : `${origin} ${named}`
    if (this.#found.has(key)) return this.#found.get(key)
    const network = this.#read(origin, named)
    if (key.length > longestRemembered) return network
    if (this.#found.size >= mostRemembered) this.#found.clear()
    this.#found.set(key, network)
    return network
  }

  #read(origin: string, forwarded: string | undefined): string | undefined {
    const named = (forwarded ?? '').split(',')
    let address = parse(origin)
    while (address && this.#isTrusted(address)) {
      const before = parse(named.pop() ?? '')
      if (!before) break
      address = before
    }
    if (!address) return 'unknown'
    if (address.range() === 'loopback' && forwarded === undefined) return undefined
    return describe(address)
  }

  #isTrusted(address: Address): boolean {
    return this.#trusted.some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
    )
  }
}

/** An address, an IPv4 one in IPv6 clothes too; undefined for anything else. */
function parse(text: string): Address | undefined {
  const trimmed = text.trim()
  return ipaddr.isValid(trimmed) ? ipaddr.process(trimmed) : undefined
}

function describe(address: Address): string {
  if (address instanceof ipaddr.IPv4) return address.toString()
  return `${address.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}
