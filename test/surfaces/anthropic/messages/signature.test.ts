import t from 'tap'
import { toHiddenThought, toSignature } from '../../../../src/surfaces/anthropic/messages/signature.ts'

t.match(toSignature(''), /^[\w-]+$/, 'never empty')
t.equal(toHiddenThought(toSignature('')), undefined)
t.equal(toHiddenThought(toSignature('Hm, déjà vu.')), 'Hm, déjà vu.')
for (const foreign of [undefined, null, '', 'EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds', `${toSignature('Hm')}A`]) t.equal(toHiddenThought(foreign), undefined, String(foreign))
