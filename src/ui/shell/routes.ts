/** The views in the order of the navigation. The first one is shown where the address names none. */
export const VIEWS = [
  { name: 'playground', title: 'Playground' },
  { name: 'requests', title: 'Requests' },
  { name: 'translation', title: 'Translation' },
  { name: 'charts', title: 'Charts' },
  { name: 'models', title: 'Models' },
  { name: 'setup', title: 'Setup' }
] as const

export type ViewName = typeof VIEWS[number]['name']

/** @param hash of the address, such as `#/requests` */
export function toViewName (hash: string): ViewName {
  const name = /^#\/([a-z]+)/.exec(hash)?.[1]
  return VIEWS.find(view => view.name === name)?.name ?? 'playground'
}

export function goTo (view: ViewName): void {
  location.hash = `#/${view}`
}
