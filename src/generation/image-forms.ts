import type { Message } from './request.ts'

/** An image of a request, in any form. */
export interface PlacedImage {
  /** A data URI, an http(s) URL, or base64 alone. */
  url: string
  detail?: string | null
  /** Its place, e.g. `messages[0].content[1]`. */
  path: string
  /** The member that holds the URL or the data, e.g. `messages[0].content[1].image_url.url`. */
  param: string
}

/**
 * The image of a part: OpenAI's `image_url`, also with the URL alone, the Responses API's `input_image`, and parts of the
 * type `image`: Anthropic's with a `source`, MCP's with `data`, LangChain's with `base64` or `url`.
 * @returns undefined for other parts, and for references to stored files
 */
export function toImage (part: object, path: string): PlacedImage | undefined {
  const { type, image_url: given, detail, ...others } = part as Members
  if (type === 'image') return toForeignImage(others, path)
  if (type !== 'image_url' && type !== 'input_image') return undefined
  if (typeof given === 'string') return { url: given, ...toDetail(detail), path, param: `${path}.image_url` }
  const { url, detail: inner } = membersOf(given)
  return typeof url === 'string' ? { url, ...toDetail(inner), path, param: `${path}.image_url.url` } : undefined
}

/** Every image of a conversation, in order. */
export function toImages (messages: readonly Message[]): PlacedImage[] {
  const images: PlacedImage[] = []
  messages.forEach((message, index) => {
    if (!maySee(message)) return
    const path = `messages[${index}]`
    if (Array.isArray(message.content)) {
      message.content.forEach((part, place) => {
        const image = toImage(part, `${path}.content[${place}]`)
        if (image) images.push(image)
      })
    }
    for (const image of toImageList(message, path)) images.push(image)
  })
  return images
}

/** The images beside a message's content, as in Ollama's messages. */
export function toImageList (message: object, path: string): PlacedImage[] {
  const { images } = message as Members
  if (!Array.isArray(images)) return []
  return images.flatMap((given: unknown, place) => {
    const param = `${path}.images[${place}]`
    if (typeof given === 'string') return [{ url: given, path: param, param }]
    const image = toImage(membersOf(given), param)
    return image ? [image] : []
  })
}

/**
 * The conversation with replaced URLs of some images.
 * @param urls by the member that holds the URL
 */
export function withImageUrls (messages: readonly Message[], urls: ReadonlyMap<string, string>): Message[] {
  return messages.map((message, index) => {
    if (!maySee(message)) return message
    const path = `messages[${index}]`
    const { content } = message
    const { images } = message as { images?: unknown }
    const toPart = <P extends object>(part: P, place: string) => {
      const image = toImage(part, place)
      const url = image && urls.get(image.param)
      return url === undefined ? part : { type: 'image_url' as const, image_url: { url, ...toDetail(image?.detail) } }
    }
    return {
      ...message,
      ...(Array.isArray(content) && { content: content.map((part, place) => toPart(part, `${path}.content[${place}]`)) }),
      ...(Array.isArray(images) && { images: images.map((given: unknown, place) => typeof given === 'string' ? urls.get(`${path}.images[${place}]`) ?? given : toPart(membersOf(given), `${path}.images[${place}]`)) })
    } as Message
  })
}

type Members = Record<string, unknown>

/** Roles whose images are sent to a model. */
function maySee ({ role }: Message): boolean {
  return role === 'user' || role === 'tool' || role === 'function'
}

function toForeignImage (part: Members, path: string): PlacedImage | undefined {
  const source = membersOf(part['source'])
  const mediaType = [source['media_type'], part['mime_type'], part['mimeType'], part['media_type']].find(one => typeof one === 'string')
  const found = [
    ['source.data', source['data']], ['source.url', source['url']],
    ['data', part['data']], ['base64', part['base64']], ['url', part['url']], ['image', part['image']]
  ].find((entry): entry is [string, string] => typeof entry[1] === 'string')
  if (found === undefined) return undefined
  const [member, text] = found
  return { url: mediaType === undefined || /^(?:data|https?):/i.test(text) ? text : `data:${mediaType as string};base64,${text}`, path, param: `${path}.${member}` }
}

function toDetail (detail: unknown): { detail?: string } {
  return typeof detail === 'string' ? { detail } : {}
}

function membersOf (value: unknown): Members {
  return typeof value === 'object' && value !== null ? value as Members : {}
}
