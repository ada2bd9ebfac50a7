/** What a pull leaves that got a part of the layer: a later one goes on from there. */
export const kept: readonly string[] = ['image.tar.partial/blobs/sha256/LAYER.partial']
