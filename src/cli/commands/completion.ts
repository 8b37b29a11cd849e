import { Argument, type Command } from 'commander'
import { type Shell, shells, writeCompletionScript } from '../completion-scripts.ts'
import { examples, type Json, print, write } from '../output.ts'
import { checkChoice } from '../suggestion.ts'

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('print the script by which a shell completes commands and options')
    .addArgument(
      new Argument('<shell>', 'the shell').choices(shells).argParser((text) => checkChoice(text, shells)),
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'before',
      examples(
        'source <(mintage completion bash)',
        'mintage completion zsh > ~/.zfunc/_mintage',
        'mintage completion fish > ~/.config/fish/completions/mintage.fish',
      ),
    )
    .action(async (shell: Shell, { json }: Json) => {
      const script = writeCompletionScript(program, shell)
      if (json === true) print({ shell, script }, true)
      else await write(script)
    })
}
