/** Headers of a streamed answer; the last one keeps nginx from collecting it. */
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no'
}

/** The last event of a chat stream that ended well, and of no other. */
export const DONE = 'data: [DONE]\n\n'

/**
 * @param json one line of JSON text
 * @param name of the event, where a surface names its events; chat clients break at one with a name
 */
export function toEvent (json: string, name?: string): string {
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${json}\n\n`
}

/** What became known of a request while its answer was written, for people; nothing when there is nothing. */
export function toWarningsComment (warnings: string | undefined): string {
  return warnings === undefined ? '' : toComment(`x-proxy-warnings: ${warnings}`)
}

/** A line clients skip, for people who watch the wire. Line breaks cannot leave the comment. */
export function toComment (text: string): string {
  return `: ${text.replaceAll(/[\r\n]+/g, ' ')}\n\n`
}
