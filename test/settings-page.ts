import { SETTINGS, type Setting } from '../src/settings/schema.ts'

/** The text of docs/settings.md: one table per group of settings. */
export function toSettingsPage (): string {
  const groups = [...new Set(SETTINGS.map(({ group }) => group))]
  return `# Settings

This page is generated from \`src/settings/schema.ts\`. A test compares the two.

You can write a setting in four places. The first one that has the setting wins:

1. a flag: \`--port 8686\`, the name in kebab case;
2. an environment variable: \`PORT=8686\`;
3. an entry of the \`.env\` file in the working directory;
4. a JSON or YAML file with the names of the environment variables, named by \`--config FILE\` or \`CONFIG_FILE\`.

\`--help\` lists all settings. \`--print-config\` shows the value of each setting and where it came from. If settings are
wrong, the proxy does not start. It reports all problems in one message, and suggests what you probably meant.

A secret can also be read from a file: \`CLOUDFLARE_API_TOKEN_FILE=/path\` names the file. A \`.env\` file can only contain
settings. It cannot set a base URL if the token that the proxy would send there is set elsewhere.

${groups.map(toGroup).join('\n\n')}
`
}

function toGroup (group: string): string {
  const rows = SETTINGS.filter(setting => setting.group === group).map(toRow)
  return [`## ${group}`, '', '| setting | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

function toRow ({ name, default: byDefault, doc, details, aliases, secret }: Setting): string {
  const sentences = [
    doc,
    details,
    aliases.length > 0 && `Also read as ${aliases.map(alias => `\`${alias}\``).join(', ')}.`,
    secret && `Secret: \`${name}_FILE\` can name a file that contains it.`
  ]
  return `| \`${name}\` | ${byDefault === undefined ? '' : `\`${byDefault}\``} | ${sentences.filter(Boolean).join(' ').replaceAll('|', '\\|')} |`
}
