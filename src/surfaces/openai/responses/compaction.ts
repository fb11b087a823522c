import { fromCheckedText, toCheckedText } from '../../../json/checked-text.ts'

/** What a model is asked to say in place of a conversation. */
export const SUMMARY_QUESTION = 'This conversation is about to be replaced by a summary. Write it now, for somebody who goes on with the work and has nothing else: ' +
  'what the user wants, in their words where they matter; what was decided and done, and what came of it; names, paths, values and pieces of code that are still needed; what is left to do, and what comes next. ' +
  'Answer with the summary alone, and call no tool.'

/** What follows a summary that replaces a conversation. */
const PREAMBLE = 'The conversation up to here was replaced by this summary of it:'

/** The `encrypted_content` of a compaction: the summary as a checked text. */
export function toCompactedContent (summary: string): string {
  return toCheckedText(summary)
}

/** The summary in an `encrypted_content` of ours; undefined when it is another server's, or was damaged. */
export function toSummary (content: string): string | undefined {
  return fromCheckedText(content)
}

/** The message that gives a model the summary that replaces a conversation. */
export function toRecalledText (summary: string): string {
  return `${PREAMBLE}\n\n${summary}`
}
