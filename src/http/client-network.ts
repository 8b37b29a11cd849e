import type { IncomingMessage } from 'node:http'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/**
 * Tells where a request comes from: an IPv4 address, or an IPv6 /64, since a household or a thief has a whole one.
 * Proxies that are trusted are looked through; what others say of themselves is not believed.
 */
export class ClientNetworks {
  readonly #trusted: readonly (readonly [Address, number])[]

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
    const named = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',')
    let address = parse(request.socket.remoteAddress ?? '')
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
