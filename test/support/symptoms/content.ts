import { sha256 } from '../image-builder.ts'
import type { Handler } from '../serve.ts'
import {
  answer,
  byPath,
  image,
  images,
  manifest,
  registryWhere,
  type Symptom,
  withBasicChallenge,
} from './symptom.ts'

const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
const emptyDigest = `sha256:${'0'.repeat(64)}`

/** The storage refuses to be asked by two proofs at once: the signature in the link, and an Authorization. */
const storage: Handler = (request, response) =>
  request.headers.authorization
    ? answer(
        400,
        '<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed</Message></Error>',
      )(request, response)
    : images(request, response)

const redirectToStorage: Handler = (request, response) => {
  const location = `http://cdn.example:${request.socket.localPort}${request.url}?signature=x`
  return answer(307, '', { location })(request, response)
}

const registryWithStorage: Handler = (request, response) => {
  const isStorage = request.headers.host?.startsWith('cdn.')
  const guarded = withBasicChallenge('', byPath({ '/blobs/': redirectToStorage }, images))
  return (isStorage ? storage : guarded)(request, response)
}

/** What comes is no image, or not this one. */
export const contents: readonly Symptom[] = [
  {
    symptom: "KeyError: 'layers', for an image of before 2016",
    server: registryWhere(
      manifest(
        { schemaVersion: 1, name: 'team/app', tag: '1', fsLayers: [], history: [] },
        'application/vnd.docker.distribution.manifest.v1+prettyjws',
      ),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 3,
    says: 'registry.example/team/app:1: the image has the format of before 2016, schema 1, which dray does not read',
    advice: 'push the image again with a current docker, or ask its owner to',
  },
  {
    symptom: "KeyError: 'layers', for something else in JSON",
    server: registryWhere(manifest({}, 'application/json')),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 6,
    says: 'registry.example/team/app:1: the document is neither an image manifest nor an index',
  },
  {
    symptom: 'unexpected end of JSON input',
    server: registryWhere(manifest('{"schemaVersion": 2, "conf', ociManifest)),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 6,
    says: 'registry.example/team/app:1: the manifest is not valid JSON',
  },
  {
    symptom: 'unsupported media type application/vnd.cncf.helm.config.v1+json',
    server: registryWhere(
      manifest(
        {
          schemaVersion: 2,
          mediaType: ociManifest,
          config: { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: emptyDigest, size: 2 },
          layers: [],
        },
        ociManifest,
      ),
    ),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 3,
    says: 'registry.example/team/app:1: this is not a container image: its config is of type "application/vnd.cncf.helm.config.v1+json"',
  },
  {
    symptom: 'filesystem layer verification failed for digest',
    server: byPath({ '/blobs/': answer(200, 'x'.repeat(image.config.length)) }, images),
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    exitCode: 6,
    says: `blob CONFIG is corrupt: its digest is ${sha256('x'.repeat(image.config.length))}, not ${image.configDigest.replace(/[0-9a-f]{12}/, 'CONFIG')}`,
  },
  {
    symptom: 'a manifest that is not the one that its digest says',
    server: registryWhere(manifest(image.manifest.toString(), image.mediaType)),
    command: `dray registry.example:PORT/team/app@${emptyDigest} --plain-http`,
    exitCode: 6,
    says: `registry.example sent something else for team/app@${emptyDigest}: expected ${emptyDigest}, got ${image.digest}`,
    advice: 'a cache or proxy on the way may change what it passes on',
  },
  {
    symptom: 'Only one auth mechanism allowed, from the storage that a registry with a login redirects to',
    server: registryWithStorage,
    command: 'dray registry.example:PORT/team/app:1 --plain-http',
    env: { DRAY_USERNAME: 'me', DRAY_PASSWORD: 'secret' },
    exitCode: 0,
    says: '',
  },
]
