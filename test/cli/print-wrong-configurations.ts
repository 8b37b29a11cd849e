import { checkConfiguration, renderPage, transcribe, wrongConfigurations } from './wrong-configurations.ts'

const transcripts: string[] = []
for (const wrong of wrongConfigurations) transcripts.push(transcribe(wrong, await checkConfiguration(wrong)))
process.stdout.write(renderPage(transcripts))
