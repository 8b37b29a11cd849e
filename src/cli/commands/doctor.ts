import type { Command } from 'commander'
import type { Finding } from '../../admin/doctor/examination.ts'
import { ConfigError } from '../../config.ts'
import { OperatorError } from '../../lib/operator-error.ts'
import { examineConfiguration } from '../configuration.ts'
import { examples, type Json, print } from '../output.ts'

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description(
      'examine an installation and say what to do; exit 1 when something fails. It changes nothing',
    )
    .addHelpText('before', examples('mintage doctor', 'mintage doctor --json'))
    .option('--json', 'print JSON')
    .action(async ({ json }: Json) => {
      const findings = await examineAll()
      const failures = findings.filter((finding) => finding.status === 'failure').length
      if (json === true) print({ healthy: failures === 0, findings }, true)
      else print(findings.map(({ status, check, message }) => ({ status, check, finding: message })))
      if (failures === 0) return
      throw new OperatorError(
        `${failures} of ${findings.length} findings ${failures === 1 ? 'is a failure' : 'are failures'}; each says what to do.`,
      )
    })
}

async function examineAll(): Promise<readonly Finding[]> {
  const examined = await examineConfiguration().catch((error: unknown) => {
    if (error instanceof ConfigError) return { config: undefined, problems: error.problems }
    throw error
  })
  if (!examined.config) {
    return examined.problems.map((message) => ({ check: 'configuration', status: 'failure', message }))
  }
  // Loaded here, since no other command needs it.
  const { examine } = await import('../../admin/doctor/examination.ts')
  const secretFiles = examined.inForce.flatMap(({ variable, secretFile }) =>
    secretFile === undefined ? [] : [{ setting: variable, path: secretFile }],
  )
  return examine({ ...examined.config, secretFiles })
}
