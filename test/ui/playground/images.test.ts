import t from 'tap'
import { MAX_IMAGE_BYTES, toImageProblem } from '../../../src/ui/playground/images.ts'

t.equal(toImageProblem({ name: 'a.png', type: 'image/png', size: 10 }), undefined)
t.match(toImageProblem({ name: 'a.svg', type: 'image/svg+xml', size: 10 }), 'a.svg is no PNG')
t.match(toImageProblem({ name: 'a.png', type: 'image/png', size: MAX_IMAGE_BYTES + 1 }), 'larger than 10 MB')
