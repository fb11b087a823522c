import { toAdvice, type ServerError } from '../server/server-error.ts'

/** What went wrong, in the server's words, and what to do about it. */
export function Failure ({ error, onRetry }: { error: ServerError, onRetry?: () => void }) {
  return (
    <div class='failure' role='alert' data-testid='failure'>
      <p><strong>{error.message}</strong></p>
      <p>{toAdvice(error)}</p>
      <p class='faint'>
        {[error.status && `HTTP ${error.status}`, error.code, error.requestId].filter(Boolean).join(' · ')}
      </p>
      {onRetry && <button type='button' onClick={onRetry}>Try again</button>}
    </div>
  )
}
