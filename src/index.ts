/** The issuer as a library: read a configuration, start, stop. */
export { type RunningIssuer, type StartOptions, startIssuer } from './compose.ts'
export { type Config, ConfigError, readConfig } from './config.ts'
