/** What Kubernetes tells a container of each service of its namespace, in the format of Docker's links. */
const shape =
  /^MINTAGE_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/

/** Whether a variable is there because a service is named `mintage` or `mintage-…`. */
export function isInjectedByKubernetes(variable: string, text: string): boolean {
  if (shape.test(variable)) return true
  return /^MINTAGE_(?:[A-Z0-9_]+_)?PORT$/.test(variable) && /^(tcp|udp|sctp):\/\//.test(text)
}

/** How many variables a warning names before it counts the rest. */
const named = 3

/** One warning for all of them; undefined when there are none. */
export function describeInjected(variables: readonly string[]): string | undefined {
  if (variables.length === 0) return undefined
  const shown = [...variables].sort().slice(0, named).join(', ')
  const rest = variables.length > named ? ` and ${variables.length - named} more` : ''
  return (
    `${shown}${rest}: ignored, as Kubernetes injects such variables for a service named mintage or mintage-…; ` +
    'enableServiceLinks: false in the pod keeps them away.'
  )
}
