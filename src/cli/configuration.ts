import {
  type Config,
  type ConfigSources,
  type ExaminedConfig,
  examineConfig,
  readConfig,
  readConfigFile,
} from '../config.ts'

/** What `--config` said; one process runs one command. */
let chosenFile: string | undefined

/** Takes over the value of `--config`, undefined where it was not given. */
export function chooseConfigFile(path: string | undefined): void {
  chosenFile = path
}

/** What a command is configured by: the environment, over `mintage.toml` or what `--config` names. */
export async function configSources(): Promise<ConfigSources> {
  return { environment: process.env, file: await readConfigFile(chosenFile) }
}

/** @throws {ConfigError} with everything that is wrong with the configuration. */
export async function loadConfig(): Promise<Config> {
  const { environment, file } = await configSources()
  return readConfig(environment, { file })
}

/** As {@link loadConfig}, for commands that tell what is wrong themselves. @throws {ConfigError} for no TOML at all. */
export async function examineConfiguration(): Promise<ExaminedConfig> {
  return examineConfig(await configSources())
}
