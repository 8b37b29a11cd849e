import type { Command, Option } from 'commander'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** What can stand behind one command. */
interface Place {
  /** The words that lead here, joined by slashes: `mintage/client/create`. */
  readonly path: string
  readonly description: string
  readonly commands: readonly Place[]
  readonly options: readonly Option[]
  /** What the argument may be, where it is one of some words. */
  readonly choices: readonly string[]
  readonly takesFile: boolean
}

/**
 * Writes the script by which a shell completes commands, options and their values. It holds all that it needs, so that
 * a shell neither starts Mintage nor evaluates what has been typed.
 */
export function writeCompletionScript(program: Command, shell: Shell): string {
  const root = readPlace(program, '')
  const places = listPlaces(root)
  return { bash: writeBash, zsh: writeZsh, fish: writeFish }[shell](places)
}

function readPlace(command: Command, above: string): Place {
  const path = above === '' ? command.name() : `${above}/${command.name()}`
  const help = command.createHelp()
  return {
    path,
    description: command.description(),
    commands: help
      .visibleCommands(command)
      .filter((child) => child.name() !== 'help')
      .map((child) => readPlace(child, path)),
    options: [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)],
    choices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    takesFile: command.registeredArguments.some((argument) => /^(?:file|source)$/.test(argument.name())),
  }
}

function listPlaces(place: Place): readonly Place[] {
  return [place, ...place.commands.flatMap(listPlaces)]
}

function lastWord({ path }: Place): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function takesValue(option: Option): boolean {
  return option.required || option.optional
}

function takesPath(option: Option): boolean {
  return /<(file|dir)>/.test(option.flags)
}

function flagsOf(option: Option): readonly string[] {
  return [option.long, option.short].filter((flag) => flag !== undefined && flag !== null)
}

/** Within single quotes, for bash and zsh. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** The steps from one place to the next, as the pattern of a `case`. */
function stepPattern(places: readonly Place[]): string {
  return places
    .slice(1)
    .map(({ path }) => path)
    .join('|')
}

function writeBash(places: readonly Place[]): string {
  const values = places.flatMap((place) =>
    place.options.filter(takesValue).map((option) => {
      const pattern = flagsOf(option)
        .map((flag) => quote(`${place.path} ${flag}`))
        .join('|')
      const words = option.argChoices?.join(' ') ?? ''
      const files = takesPath(option) ? 'COMPREPLY=($(compgen -f -- "$cur"))' : 'COMPREPLY=()'
      const found = words === '' ? files : `COMPREPLY=($(compgen -W ${quote(words)} -- "$cur"))`
      return `    ${pattern}) ${found}; return ;;`
    }),
  )
  const words = places.map(({ path, commands, options, choices, takesFile }) => {
    const flags = quote(options.flatMap(flagsOf).join(' '))
    const found = quote([...commands.map(lastWord), ...choices].join(' '))
    const files = takesFile ? ' COMPREPLY=($(compgen -f -- "$cur"))' : ''
    return `    ${quote(path)}) flags=${flags} words=${found}${files} ;;`
  })
  return `# bash completion for mintage: source it, or put it into /etc/bash_completion.d/mintage
_mintage() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path=mintage word flags= words=
  COMPREPLY=()
  local IFS=$' \\t\\n'
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $path/$word in
      ${stepPattern(places)}) path=$path/$word ;;
    esac
  done
  case "$path $prev" in
${values.join('\n')}
  esac
  case $path in
${words.join('\n')}
  esac
  # Options are offered to whoever begins one.
  [[ $cur == -* ]] && words=$flags
  COMPREPLY+=($(compgen -W "$words" -- "$cur"))
}
complete -F _mintage mintage
`
}

function writeZsh(places: readonly Place[]): string {
  const values = places.flatMap((place) =>
    place.options.filter(takesValue).map((option) => {
      const pattern = flagsOf(option)
        .map((flag) => quote(`${place.path} ${flag}`))
        .join('|')
      const choices = option.argChoices?.map(quote).join(' ') ?? ''
      const found = choices === '' ? (takesPath(option) ? '_files' : ':') : `compadd -- ${choices}`
      return `    (${pattern}) ${found}; return ;;`
    }),
  )
  const words = places.map(({ path, commands, options, choices, takesFile }) => {
    const found = [
      ...choices.map(quote),
      ...commands.map((command) => quote(`${lastWord(command)}:${command.description}`)),
    ]
    const flags = options.flatMap((option) =>
      flagsOf(option).map((flag) => quote(`${flag}:${option.description}`)),
    )
    const files = takesFile ? '; _files' : ''
    return `    (${quote(path)}) found=(${found.join(' ')}); flags=(${flags.join(' ')})${files} ;;`
  })
  return `#compdef mintage
# zsh completion for mintage: source it, or put it as _mintage into a directory of $fpath
_mintage() {
  local here=mintage word
  local -a found flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $here/$word in
      (${stepPattern(places)}) here=$here/$word ;;
    esac
  done
  case "$here $words[CURRENT-1]" in
${values.join('\n')}
  esac
  case $here in
${words.join('\n')}
  esac
  _describe mintage found
  _describe -o option flags
}
if [ "$funcstack[1]" = _mintage ]; then
  _mintage "$@"
else
  compdef _mintage mintage
fi
`
}

function writeFish(places: readonly Place[]): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = places.flatMap(({ path, commands, options, choices, takesFile }) => {
    const here = `complete -c mintage -n 'test (__mintage_path) = ${path}'`
    return [
      ...commands.map((command) => `${here} -a ${lastWord(command)} -d ${quoted(command.description)}`),
      ...options.map((option) => {
        const flags = flagsOf(option).map((flag) =>
          flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
        )
        const choices = option.argChoices?.join(' ')
        const value = takesPath(option)
          ? ' -r -F'
          : choices === undefined
            ? ' -x'
            : ` -x -a ${quoted(choices)}`
        return `${here} ${flags.join(' ')}${takesValue(option) ? value : ''} -d ${quoted(option.description)}`
      }),
      ...(choices.length > 0 ? [`${here} -a ${quoted(choices.join(' '))}`] : []),
      ...(takesFile ? [`${here} -F`] : []),
    ]
  })
  return `# fish completion for mintage: put it into ~/.config/fish/completions/mintage.fish
function __mintage_path
  set -l path mintage
  for word in (commandline -opc)[2..-1]
    switch "$path/$word"
      case ${stepPattern(places).split('|').join(' ')}
        set path "$path/$word"
    end
  end
  echo $path
end
complete -c mintage -f
${lines.join('\n')}
`
}
