import type { GivenInputPart, InputFilePart, InputPart } from './request.ts'
import { toImage } from '../../../generation/image-forms.ts'

/**
 * Converts a part from the form of the chat API or of other APIs, such as LangChain's blocks, to that of the Responses API.
 * @returns the given part if it has that form already; undefined if there is no such form
 */
export function toInputPart (part: GivenInputPart): InputPart | undefined {
  switch (part.type) {
    case 'image_url':
    case 'image': {
      const image = toImage(part, '')
      return image && { type: 'input_image', image_url: image.url, detail: image.detail ?? 'auto' }
    }
    case 'file': return { type: 'input_file', ...part.file }
    case 'input_audio': return undefined
    case 'input_file': return withFileData(part)
    default: return part
  }
}

/** A file in a data URI may be in either member. */
function withFileData (part: InputFilePart): InputFilePart {
  const { file_url: url, ...others } = part
  return part.file_data == null && url != null && /^data:/i.test(url) ? { ...others, file_data: url } : part
}
