import type { Change } from '../../generation/change.ts'
import type { GenerationRequest } from '../../generation/request.ts'
import type { Family, SamplingName } from '../models/family.ts'
import { digitsOf } from '../../json/exact-integers.ts'
import { isOff } from '../../generation/off-values.ts'

const NAMES: readonly SamplingName[] = ['temperature', 'top_p', 'top_k', 'seed', 'repetition_penalty', 'frequency_penalty', 'presence_penalty']

/** Native models take seeds from 1 to this. */
const MAX_SEED = 9_999_999_999

/**
 * Values that turn a parameter off on other servers: 0 and -1 for `top_k` (OpenRouter, llama.cpp, vLLM), impossible penalties,
 * and -1 for a random seed (llama.cpp, vLLM). Clamping them to the range would do the opposite.
 */
const OFF: Partial<Record<SamplingName, (value: number) => boolean>> = {
  top_k: value => Math.round(value) <= 0,
  repetition_penalty: value => value <= 0,
  seed: value => value === -1
}

/**
 * The sampling parameters that a family takes, each clamped to its range.
 * @returns the native fields; `changes` gets what was clamped, folded or dropped
 */
export function toSampling (
  request: Pick<GenerationRequest, SamplingName>,
  family: Family,
  changes: Change[]
): Partial<Record<SamplingName, number>> {
  const sampling: Partial<Record<SamplingName, number>> = {}
  for (const name of NAMES) {
    const value = request[name]
    if (value === null || value === undefined) continue
    const range = family.sampling[name]
    if (range === undefined) {
      if (!isOff(name, value)) changes.push({ param: name, action: 'dropped', from: value, reason: 'this model does not take it' })
      continue
    }
    if (OFF[name]?.(value)) {
      changes.push({
        param: name,
        action: 'dropped',
        from: value,
        reason: 'on other servers this value turns it off; it is left out, and the model uses its default'
      })
      continue
    }
    if (name === 'seed') {
      sampling.seed = toNativeSeed(digitsOf(request, 'seed') ?? value)
      if (sampling.seed !== value) {
        changes.push({
          param: name,
          action: 'clamped',
          from: value,
          to: sampling.seed,
          reason: `seeds are folded into 1..${MAX_SEED}, the same way each time`
        })
      }
      continue
    }
    const [min, max] = range
    const taken = Math.min(max, Math.max(min, name === 'top_k' ? Math.round(value) : value))
    sampling[name] = taken
    if (taken !== value) { changes.push({ param: name, action: 'clamped', from: value, to: taken, reason: `this model takes ${min} to ${max}` }) }
  }
  return sampling
}

/** Folds any integer into 1..9999999999, deterministically; a seed in that range stays unchanged. */
export function toNativeSeed (seed: number | bigint): number {
  if (seed >= 1 && seed <= MAX_SEED) return Number(seed)
  const modulus = BigInt(MAX_SEED)
  const rest = (typeof seed === 'bigint' ? seed : BigInt(Math.trunc(seed))) % modulus
  return Number(rest < 0n ? rest + modulus : rest) + 1
}
