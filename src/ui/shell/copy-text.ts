/** Puts a text into the clipboard. Rejects where the browser lets nobody do that. */
export async function copyText (text: string): Promise<void> {
  // Browsers have no clipboard for pages that come by plain HTTP from another machine; the old way works there.
  if ('clipboard' in navigator) return await navigator.clipboard.writeText(text)
  const field = document.createElement('textarea')
  field.value = text
  document.body.append(field)
  field.select()
  const isCopied = document.execCommand('copy')
  field.remove()
  if (!isCopied) throw new Error('the browser did not copy')
}
