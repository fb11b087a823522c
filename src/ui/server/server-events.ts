export type ServerEvent = { kind: 'data', text: string } | { kind: 'comment', text: string }

/** Reads server-sent events from text that comes in pieces. Comments are told, too: this server puts facts into them. */
export class ServerEventReader {
  #rest = ''
  #data: string[] = []

  /** @returns the events that the piece completed */
  push (piece: string): ServerEvent[] {
    const lines = (this.#rest + piece).split(/\r\n|\n/)
    this.#rest = lines.pop() ?? ''
    return lines.flatMap(line => this.#readLine(line))
  }

  #readLine (line: string): ServerEvent[] {
    if (line === '') {
      if (this.#data.length === 0) return []
      const text = this.#data.join('\n')
      this.#data = []
      return [{ kind: 'data', text }]
    }
    if (line.startsWith(':')) return [{ kind: 'comment', text: line.slice(1).trimStart() }]
    const [, value] = /^data: ?(.*)$/s.exec(line) ?? []
    if (value !== undefined) this.#data.push(value)
    return []
  }
}

/** Tells each event of a response as it comes. Rejects when the connection breaks, or is aborted. */
export async function readEvents (response: Response, onEvents: (events: ServerEvent[]) => void): Promise<void> {
  if (response.body === null) return
  const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader()
  const reader = new ServerEventReader()
  for (;;) {
    const { done, value } = await pieces.read()
    if (done) return
    onEvents(reader.push(value))
  }
}
