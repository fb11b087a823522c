import { asksModel, isFailure, type RequestRecord } from '../server/request-record.ts'

export interface RecordFilter {
  /** Words that must all occur. */
  text: string
  onlyFailures: boolean
  /** Also dry runs, and what asks no model, such as lists of models. */
  allKinds: boolean
}

/** The most rows of the table. */
export const MAX_ROWS = 500

/** The newest records that the filter lets through. */
export function toShownRecords (records: readonly RequestRecord[], { text, onlyFailures, allKinds }: RecordFilter): RequestRecord[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const shown: RequestRecord[] = []
  for (const record of records) {
    if (shown.length === MAX_ROWS) break
    if ((onlyFailures && !isFailure(record)) || (!allKinds && !asksModel(record))) continue
    if (words.length === 0 || contains(record, words)) shown.push(record)
  }
  return shown
}

function contains ({ id, key, route, model, served, operation, status, error, account }: RequestRecord, words: readonly string[]): boolean {
  const text = [id, key, route, model, served, operation, status, error, account].join(' ').toLowerCase()
  return words.every(word => text.includes(word))
}
