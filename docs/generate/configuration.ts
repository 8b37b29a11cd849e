import { aboutSetting, keyOf, toTomlValue, type Variable, variables } from '../../src/config/settings.ts'

const introduction = `# Configuration

<!-- Made from src/config/settings.ts by \`npm run docs\`. -->

Settings come from the environment, over \`mintage.toml\` in the working directory (or the file that \`--config FILE\`
names, before or after the command), over the defaults below. \`mintage config print\` shows every setting, its value
and where that comes from; \`mintage config check\` says what would keep \`mintage serve\` from starting, and exits 1 then;
\`mintage doctor\` examines the whole installation.

- In the file a setting is named as its variable is, without \`MINTAGE_\` and in small letters, in no table. Numbers are
  numbers, lists are arrays, durations and all else strings: [\`mintage.example.toml\`](../mintage.example.toml) has every
  setting.
- **\`MINTAGE_X_FILE\`** reads the value of \`MINTAGE_X\` from a file, without the line break at its end; \`x_file\` does so in
  \`mintage.toml\`. A setting must not be set both ways in one place.
- A variable that is set to nothing counts as not set.
- A name that no setting has, a value that is not as expected and a combination that is not safe stop every command, and
  all of them are told at once: the name, the value (never that of a secret, nor what a file of its own holds), where it
  came from, and what was expected.
- Relative paths count from the working directory, wherever they are set.
- What Kubernetes injects for services named \`mintage\` or \`mintage-…\` (\`MINTAGE_PORT=tcp://…\`, \`MINTAGE_SERVICE_HOST\`,
  \`MINTAGE_ADMIN_PORT_8081_TCP\`, …) is ignored with one warning.
- \`mintage dev\` refuses \`MINTAGE_ISSUER\`, \`MINTAGE_DATABASE_URL\`, \`MINTAGE_KEYS_DIR\`, \`MINTAGE_VAULT_KEY\`,
  \`MINTAGE_VAULT_KEY_PREVIOUS\` and \`MINTAGE_STATE_DIR\` in the environment. In the file it leaves them out with a warning, and a \`host\` off loopback too.

Durations are a whole number and a unit: \`500ms\`, \`10s\`, \`15m\`, \`12h\`, \`7d\`.
`

const combinations = `## What does not go together

Refused:

- an \`http\` issuer off loopback;
- \`MINTAGE_SESSION_IDLE_TTL\` longer than \`MINTAGE_SESSION_TTL\`;
- \`MINTAGE_REFRESH_RETRY_WINDOW\` longer than \`MINTAGE_SESSION_IDLE_TTL\`;
- \`MINTAGE_ACCESS_TOKEN_TTL\`, where it is set, longer than \`MINTAGE_SESSION_TTL\` (its default is cut instead);
- PostgreSQL without \`MINTAGE_STATE_DIR\`;
- \`MINTAGE_VAULT_KEY_PREVIOUS\` without \`MINTAGE_VAULT_KEY\`, or the same as that;
- \`MINTAGE_ADMIN_PORT\`, where it is set, the same as \`MINTAGE_PORT\` on one host.

Warned of:

- \`MINTAGE_PORT\` the same as the default of \`MINTAGE_ADMIN_PORT\`: there is no admin listener then;
- \`MINTAGE_KEY_ROTATION\` shorter than a key must be published before it signs;
- an \`http\` origin off loopback in \`MINTAGE_CORS_ORIGINS\`;
- a network of everybody (\`/0\`) in \`MINTAGE_TRUSTED_PROXIES\`.
`

/** `docs/configuration.md`: every setting, by its description. */
export function renderConfiguration(): string {
  const rows = variables.map((variable) => {
    const { kind, means, default: text, defaultInWords } = aboutSetting(variable)
    const standard = defaultInWords ?? (text === undefined ? 'none' : `\`${text}\``)
    return `| \`${variable}\`<br>\`${keyOf(variable)}\` | ${standard} | ${means} Expected: ${kind.expected}. |\n`
  })
  return `${introduction}
## Every setting

| variable, and key in \`mintage.toml\` | default | |
| --- | --- | --- |
${rows.join('')}
${combinations}`
}

/** `mintage.example.toml`: every setting that has an effect, with its default or an example, all but one commented out. */
export function renderExample(): string {
  const parts = variables.map((variable) => {
    const { kind, means, default: text, defaultInWords, example, secret } = aboutSetting(variable)
    const words = [means, `Expected: ${kind.expected}.`]
    if (defaultInWords !== undefined) words.push(`Default: ${defaultInWords}.`)
    const shown = example ?? text
    // What nobody can write an example of is left to be filled in; a secret, in a file of its own.
    const line =
      shown === undefined
        ? ` ${keyOf(variable)}${secret ? '_file' : ''} = "…"`
        : `${keyOf(variable)} = ${formatToml(variable, shown)}`
    const comment = words.map((each) => `# ${each.replaceAll('`', '')}\n`).join('')
    return `${comment}${variable === 'MINTAGE_ISSUER' ? '' : '#'}${line}\n`
  })
  return `# Copy this to mintage.toml and take the # away from what you want to change. Variables of the environment
# (MINTAGE_PORT for port) come before this file; mintage config check says whether it is good.

${parts.join('\n')}`
}

function formatToml(variable: Variable, text: string | undefined): string {
  // What JSON writes of strings, whole numbers and lists of strings is TOML.
  return JSON.stringify(toTomlValue(variable, text) ?? '').replaceAll('","', '", "')
}
