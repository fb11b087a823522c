/**
 * What clients take for their base URL, from where the page was loaded: it stands at `ui/` beside `v1/`, also where a server
 * in front has put a path before both.
 */
export function toBaseUrl (pageUrl: string): string {
  return new URL('../v1', pageUrl).href
}
