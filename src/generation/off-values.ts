/**
 * Values that request the default, or turn off a missing feature: leaving them out changes nothing. Clients send many of them.
 * The values are those of OpenAI, vLLM and llama.cpp; an object is compared as JSON.
 */
const OFF: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  ['n', [1]],
  ['best_of', [0, 1]],
  ['store', [false]],
  ['background', [false]],
  ['logprobs', [false]],
  ['top_logprobs', [0]],
  ['n_probs', [0]],
  ['service_tier', ['auto', 'default']],
  ['verbosity', ['medium']],
  ['modalities', ['["text"]']],
  ['echo', [false]],
  ['suffix', ['']],
  ['user', ['']],
  ['top_p', [1]],
  ['top_k', [0, -1]],
  ['min_p', [0]],
  ['top_a', [0]],
  ['top_n_sigma', [0, -1]],
  ['typical_p', [0, 1]],
  ['tfs', [1]],
  ['tfs_z', [1]],
  ['epsilon_cutoff', [0]],
  ['eta_cutoff', [0]],
  ['frequency_penalty', [0]],
  ['presence_penalty', [0]],
  ['repetition_penalty', [0, 1]],
  ['repeat_penalty', [0, 1]],
  ['repeat_last_n', [0]],
  ['length_penalty', [1]],
  ['no_repeat_ngram_size', [0]],
  ['dry_multiplier', [0]],
  ['xtc_probability', [0]],
  ['mirostat', [0]],
  ['mirostat_mode', [0]],
  ['dynatemp_range', [0]],
  ['smoothing_factor', [0]],
  ['seed', [-1]],
  ['min_tokens', [0]],
  ['ignore_eos', [false]],
  ['early_stopping', [false]],
  ['use_beam_search', [false]],
  ['skip_special_tokens', [true]],
  ['spaces_between_special_tokens', [true]],
  ['include_stop_str_in_output', [false]],
  ['add_generation_prompt', [true]],
  ['continue_final_message', [false]]
])

/** Members that request something even if they are empty. */
const NEVER_OFF = new Set(['web_search_options'])

/** Whether a member may be dropped without a change. */
export function isOff (name: string, value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (NEVER_OFF.has(name)) return false
  if (typeof value === 'object' && isEmpty(value)) return true
  return OFF.get(name)?.includes(typeof value === 'object' ? JSON.stringify(value) : value) ?? false
}

/** `Object.keys` would take seconds for the millions of items a list may have. */
function isEmpty (value: object): boolean {
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0
}
