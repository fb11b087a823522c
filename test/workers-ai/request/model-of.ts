import { FAMILIES, type Family, type FamilyName } from '../../../src/workers-ai/models/family.ts'
import type { Model, ModelId } from '../../../src/workers-ai/models/model.ts'

/** A chat model of a family that can do all the family can; `more` says what is special about it. */
export function modelOf (family: FamilyName, { family: special, ...more }: Partial<Omit<Model, 'family'>> & { family?: Partial<Family> } = {}): Model {
  return {
    id: `@cf/tests/${family}` as ModelId,
    task: 'text-generation',
    family: { ...FAMILIES[family], ...special },
    tools: true,
    reasoning: true,
    vision: false,
    lora: true,
    json: true,
    beta: false,
    paidOnly: false,
    ...more
  }
}
