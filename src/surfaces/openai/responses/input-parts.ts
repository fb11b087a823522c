import type { GivenInputPart, InputFilePart, InputPart } from './request.ts'
import { toImage } from '../../../generation/image-forms.ts'

/**
 * A part in the words of the Responses API, where it came in a chat's or in those of other APIs, as LangChain's blocks do.
 * @returns the given part where it is in those words already; undefined where they have none for it
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

/** A file in a data URI may stand in either member. */
function withFileData (part: InputFilePart): InputFilePart {
  const { file_url: url, ...others } = part
  return part.file_data == null && url != null && /^data:/i.test(url) ? { ...others, file_data: url } : part
}
