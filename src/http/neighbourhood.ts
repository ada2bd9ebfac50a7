import { BlockList, isIP } from 'node:net'
import { addressOf, dottedQuad, isLoopbackHost } from './origin.ts'

/** Where an address is that does not mean the same place to everyone; undefined for public ones and for names. */
export function neighbourhoodOf(hostname: string): string | undefined {
  const addresses = addressesIn(hostname)
  if ([hostname, ...addresses].some(isLoopbackHost)) return 'this very machine'
  if (addresses.some(isForbidden)) return 'an address of the local link or of a metadata service'
  return addresses.some(isPrivate) ? 'an address of a private network' : undefined
}

/** The address that a host spells, and the IPv4 address that an IPv6 one stands for: 6to4, NAT64, IPv4-compatible. */
export function addressesIn(hostname: string): readonly string[] {
  const address = addressOf(hostname)
  if (address === undefined) return []
  const [, groups] = /^(?:2002:|64:ff9b::|64:ff9b:1::|::ffff:0:|::)([0-9a-f]*:[0-9a-f]*)/.exec(address) ?? []
  const inner = groups === undefined ? undefined : dottedQuad(groups)
  return inner === undefined ? [address] : [address, inner]
}

const forbidden = new BlockList()
forbidden.addSubnet('0.0.0.0', 8, 'ipv4')
forbidden.addSubnet('169.254.0.0', 16, 'ipv4')
forbidden.addAddress('100.100.100.200', 'ipv4') // metadata at Alibaba
forbidden.addAddress('192.0.0.192', 'ipv4') // metadata at Oracle
forbidden.addAddress('::', 'ipv6')
forbidden.addSubnet('fe80::', 10, 'ipv6')
forbidden.addSubnet('fec0::', 10, 'ipv6')
forbidden.addAddress('fd00:ec2::254', 'ipv6') // metadata at Amazon

/** True for an address that no server has a business sending us to, wherever it is itself. */
export function isForbidden(address: string): boolean {
  return isIn(forbidden, address)
}

const privateNetworks = new BlockList()
privateNetworks.addSubnet('10.0.0.0', 8, 'ipv4')
privateNetworks.addSubnet('172.16.0.0', 12, 'ipv4')
privateNetworks.addSubnet('192.168.0.0', 16, 'ipv4')
privateNetworks.addSubnet('100.64.0.0', 10, 'ipv4')
privateNetworks.addSubnet('fc00::', 7, 'ipv6')

/** True for an address of a network that is nobody else's business. */
export function isPrivate(address: string): boolean {
  return isIn(privateNetworks, address)
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
