import { render } from 'preact'
import { followRequests } from './server/event-feed.ts'
import { App } from './shell/app.tsx'
import { applyTheme } from './shell/theme.ts'

applyTheme()
followRequests()
const page = document.getElementById('page')
if (page) render(<App />, page)
