import { renderConfiguration, renderExample } from './configuration.ts'
import { renderEvents } from './events.ts'
import { renderMetrics } from './metrics.ts'

/** The checkout, from where this lies when it is built. */
export const root = new URL('../../../', import.meta.url)

/** The pages of `docs/` that are made from the code, by their names. */
export const pages: Readonly<Record<string, () => string>> = {
  'configuration.md': renderConfiguration,
  '../mintage.example.toml': renderExample,
  'events.md': () => renderEvents(root),
  'metrics.md': renderMetrics,
}
