/**
 * The main job from end to end on this machine alone: a registry in this process, dray's own command line against it,
 * and a look into the archive that came out. Needs no network, no engine, nothing installed.
 */
import { createCipheriv } from 'node:crypto'
import { main } from '../../src/cli/main.ts'
import { hostPlatform } from '../../src/oci/platform.ts'
import { addImage, buildImage, buildLayer, createContent } from '../support/image-builder.ts'
import { registry, withTokenAuth } from '../support/registry.ts'
import { type Handler, serve } from '../support/serve.ts'
import { helloProgram } from './hello-program.ts'
import { verifyArchive } from './verify-archive.ts'

const archive = 'dray-demo.tar'
const name = 'dray/hello:1'
const server = await serve(slowly(withTokenAuth(registry(await demoContent()))))
try {
  const args = [`${server.host}/demo/hello:1`, '--name', name, '-o', archive]
  console.error(
    `A registry with one image listens on ${server.host}. Pulling from it:\n\n$ dray ${args.join(' ')}\n`,
  )
  process.exitCode = await main(['node', 'dray', ...args])
  if (process.exitCode === 0) {
    console.error(`\nThe archive, checked: ${await verifyArchive(archive)}`)
    console.error(
      `\nLoad and run it wherever docker is:\n\n  docker load -i ${archive}\n  docker run --rm ${name}`,
    )
  }
} finally {
  await server.close()
}

async function demoContent() {
  const platform = hostPlatform()
  const hello = helloProgram(platform.architecture, 'Hello from an image that no engine pulled.\n')
  const content = createContent()
  const layers = [
    await buildLayer({ 'etc/': '', 'etc/os-release': 'ID=demo\nPRETTY_NAME="dray demo"\n' }),
    await buildLayer({ 'usr/': '', 'usr/share/': '', 'usr/share/noise': noise(6 * 1024 * 1024) }),
    await buildLayer({
      ...(hello && { hello: { mode: 0o755, content: hello } }),
      README: 'docker run prints a line.\n',
    }),
  ]
  const config = {
    config: { Cmd: ['/hello'], Env: ['PATH=/'], Labels: { 'org.opencontainers.image.title': 'demo' } },
  }
  addImage(content, buildImage({ layers, platform, config }), 'demo/hello:1')
  return content
}

/** Bytes that do not compress, the same every time. */
function noise(length: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(length))
}

/** A link of a few megabytes a second, so that there is progress to be seen. */
function slowly(next: Handler): Handler {
  return (request, response) => {
    const { end } = response
    response.end = ((body: Buffer | string = '') => {
      response.end = end
      void trickle(Buffer.from(body))
      return response
    }) as typeof response.end
    const trickle = async (bytes: Buffer) => {
      for (let at = 0; at < bytes.length; at += 65536) {
        response.write(bytes.subarray(at, at + 65536))
        await new Promise((resolve) => setTimeout(resolve, 15))
      }
      response.end()
    }
    return next(request, response)
  }
}
