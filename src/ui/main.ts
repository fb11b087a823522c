import { toBaseUrl } from './base-url.ts'

const place = document.getElementById('base-url')
if (place) place.textContent = toBaseUrl(location.href)
