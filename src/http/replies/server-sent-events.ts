/** Headers of a streamed answer; the last one keeps nginx from collecting it. */
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no'
}

/** The last event of a successful chat stream. */
export const DONE = 'data: [DONE]\n\n'

/**
 * @param json one line of JSON text
 * @param name of the event, where a surface names its events; chat clients break at one with a name
 */
export function toEvent (json: string, name?: string): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${json}\n\n`
}

/** Changes that became known while the answer was written, as a comment; empty if there are none. */
export function toWarningsComment (warnings: string | undefined): string {
  return warnings === undefined ? '' : toComment(`x-proxy-warnings: ${warnings}`)
}

/** A comment line, which clients skip. Line breaks cannot end the comment. */
export function toComment (text: string): string {
  return `: ${text.replaceAll(/[\r\n]+/g, ' ')}\n\n`
}
