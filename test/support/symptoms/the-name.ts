import { answer, byPath, nginxPage, page, registryWhere, type Symptom, specError } from './symptom.ts'

const website = answer(404, page('Page not found · GitHub'))

/** The image is not where the name says. */
export const theName: readonly Symptom[] = [
  {
    chapter: 'The name',
    symptom: 'manifest unknown',
    server: registryWhere(answer(404, specError('MANIFEST_UNKNOWN', 'manifest unknown'))),
    command: 'dray registry.example:PORT/team/app:2 --plain-http',
    exitCode: 3,
    says: 'registry.example has no team/app:2 (MANIFEST_UNKNOWN: manifest unknown)',
    advice:
      'check the name and the tag; some registries hide private images from those who are not logged in',
  },
  {
    symptom: 'name unknown, repository does not exist',
    server: registryWhere(
      answer(
        404,
        specError('NAME_UNKNOWN', "The repository with name 'tean/app' does not exist in the registry"),
      ),
    ),
    command: 'dray registry.example:PORT/tean/app:1 --plain-http',
    exitCode: 3,
    says: "registry.example has no tean/app:1 (NAME_UNKNOWN: The repository with name 'tean/app' does not exist in the registry)",
    advice:
      'check the name up to the tag, its project or namespace too; some registries hide private images from those who are not logged in',
  },
  {
    symptom: 'Harbor: project not found',
    server: registryWhere(answer(404, specError('NOT_FOUND', 'project tean not found'))),
    command: 'dray registry.example:PORT/tean/app:1 --plain-http',
    exitCode: 3,
    says: 'registry.example has no tean/app:1 (NOT_FOUND: project tean not found)',
    advice:
      'check the name up to the tag, its project or namespace too; some registries hide private images from those who are not logged in',
  },
  {
    symptom: 'an error code of its own: unknown: Not Found',
    server: registryWhere(answer(404, specError('UNKNOWN', 'Not Found'))),
    command: 'dray registry.example:PORT/team/app:2 --plain-http',
    exitCode: 3,
    says: 'registry.example has no team/app:2 (UNKNOWN: Not Found)',
    advice:
      'check the name and the tag; some registries hide private images from those who are not logged in',
  },
  {
    symptom: 'manifest unknown, for a digest',
    server: registryWhere(answer(404, specError('MANIFEST_UNKNOWN', 'manifest unknown'))),
    command: `dray registry.example:PORT/team/app@sha256:${'0'.repeat(64)} --plain-http`,
    exitCode: 3,
    says: `registry.example has no team/app@sha256:${'0'.repeat(64)} (MANIFEST_UNKNOWN: manifest unknown)`,
    advice: 'check the digest: what no tag points to any more, many registries delete',
  },
  {
    symptom: 'invalid repository name',
    server: registryWhere(answer(400, specError('NAME_INVALID', 'invalid repository name'))),
    command: 'dray registry.example:PORT/app:1 --plain-http',
    exitCode: 3,
    says: 'registry.example has no app:1 (NAME_INVALID: invalid repository name)',
    advice: 'this registry wants other names, often PROJECT/IMAGE: look up how it calls the image',
  },
  {
    symptom: 'a 404 without a word, from a registry',
    server: registryWhere(answer(404)),
    command: 'dray registry.example:PORT/team/app:2 --plain-http',
    exitCode: 3,
    says: 'registry.example has no team/app:2',
    advice:
      'check the name and the tag; some registries hide private images from those who are not logged in',
  },
  {
    symptom: 'a 404 with a web page, from a registry that wants a login at its root',
    server: byPath(
      { '/v2/': answer(401, '', { 'www-authenticate': 'Basic realm="r"' }) },
      answer(404, page('404')),
    ),
    command: 'dray registry.example:PORT/team/app:2 --plain-http',
    exitCode: 3,
    says: 'registry.example has no team/app:2, with a web page (title: 404)',
    advice:
      'check the name and the tag; some registries hide private images from those who are not logged in',
  },
  {
    chapter: 'The name',
    symptom: 'anything, for the address of a web site: docker pull github.com/org/app',
    server: website,
    command: 'dray github.com/org/app:1 --plain-http --proxy http://127.0.0.1:PORT',
    exitCode: 5,
    says: 'github.com is not a container registry: asked for /v2/, it answered 404, with a web page (title: Page not found · GitHub)',
    advice: 'the images of github.com are at ghcr.io',
  },
  {
    chapter: 'The name',
    symptom: 'invalid status code from registry 404, not a V2 registry',
    server: answer(404, nginxPage('404 Not Found')),
    command: 'dray files.example:PORT/team/app:1 --plain-http',
    exitCode: 5,
    says: 'files.example is not a container registry: asked for /v2/, it answered 404, with a web page (title: 404 Not Found)',
    advice: 'check the host in the name, and its port: as in registry.example:5000/app',
  },
  {
    symptom: 'a web service that knows no such path',
    server: answer(404, { message: 'no route' }),
    command: 'dray api.example:PORT/team/app:1 --plain-http',
    exitCode: 5,
    says: 'api.example is not a container registry: asked for /v2/, it answered 404 (no route)',
    advice: 'check the host in the name, and its port: as in registry.example:5000/app',
  },
  {
    symptom: 'a web service that says nothing at all',
    server: answer(404),
    command: 'dray api.example:PORT/team/app:1 --plain-http',
    exitCode: 5,
    says: 'api.example is not a container registry: asked for /v2/, it answered 404',
    advice: 'check the host in the name, and its port: as in registry.example:5000/app',
  },
]
