import type { Handler } from '../serve.ts'
import { answer, images, page, registryWhere, type Symptom, specError } from './symptom.ts'

const viaMirror = '--plain-http --mirror registry.example:PORT=http://mirror.example:PORT'

/** One server that is both: the mirror by that name, the registry by any other. */
function mirrored(mirror: Handler, origin: Handler): Handler {
  return (request, response) =>
    (request.headers.host?.startsWith('mirror.') ? mirror : origin)(request, response)
}

const unknown = registryWhere(answer(404, specError('MANIFEST_UNKNOWN', 'manifest unknown')))

/** A mirror stands in the way. */
export const mirrors: readonly Symptom[] = [
  {
    symptom: 'a mirror of another registry, and the registry does not have the image either',
    server: mirrored(answer(200, {}, { 'oci-namespace': 'other.example' }), unknown),
    command: `dray registry.example:PORT/team/app:2 ${viaMirror}`,
    exitCode: 3,
    warns:
      'the mirror mirror.example answers for other.example, not for registry.example; going on with registry.example',
    says: 'registry.example has no team/app:2 (MANIFEST_UNKNOWN: manifest unknown)',
    advice:
      'check the name and the tag; some registries hide private images from those who are not logged in',
  },
  {
    symptom: 'a mirror that is a web site now, though the registry has the image',
    server: mirrored(answer(200, page('This domain is for sale')), images),
    command: `dray registry.example:PORT/team/app:1 ${viaMirror}`,
    exitCode: 0,
    warns:
      'got a web page (title: This domain is for sale) instead of registry data from the mirror mirror.example when asked for team/app:1; going on with registry.example',
    says: '',
  },
]
