// Run by `npm version`. `check` refuses a release without changes; `release` gives the changes their number and date.
import { readFileSync, writeFileSync } from 'node:fs'

const heading = '## Unreleased\n'
const changelog = readFileSync('CHANGELOG.md', 'utf8')
const [, changes = ''] = changelog.split(heading)

if (changes.split('\n## ')[0]?.trim() === '') {
  console.error('CHANGELOG.md has no changes under "Unreleased", so there is nothing to release.')
  process.exitCode = 1
} else if (process.argv[2] === 'release') {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  const date = new Date().toISOString().slice(0, 10)
  writeFileSync('CHANGELOG.md', changelog.replace(heading, `${heading}\n## ${version} (${date})\n`))
}
