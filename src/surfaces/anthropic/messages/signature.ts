import { fromCheckedText, toCheckedText } from '../../../json/checked-text.ts'

/**
 * The signature of a thought: never empty, because clients send back no thought without one. That of a thought which the
 * caller does not want to see holds it, so that the model gets it back in the next turn.
 * @param hidden the thought, where it is not told; else nothing
 */
export function toSignature (hidden: string): string {
  return toCheckedText(hidden)
}

/** The thought in a signature of ours; undefined where it holds none, or is another server's. */
export function toHiddenThought (signature: string | null | undefined): string | undefined {
  return signature == null ? undefined : fromCheckedText(signature)
}
