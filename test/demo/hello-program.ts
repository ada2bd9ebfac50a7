/**
 * A whole Linux program that prints a line and exits, made by hand so that the demo's image holds something that runs:
 * an ELF header, one segment, two system calls (write, exit). Undefined for a processor that it does not know.
 */
export function helloProgram(architecture: string, line: string): Buffer | undefined {
  const message = Buffer.from(line)
  if (architecture === 'amd64') return elf(62, Buffer.concat([amd64Code(message.length), message]))
  if (architecture === 'arm64') return elf(183, Buffer.concat([arm64Code(message.length), message]))
  return undefined
}

function amd64Code(length: number): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(length)
  return Buffer.concat([
    Buffer.from('b801000000bf01000000488d3510000000ba', 'hex'), // eax = write, edi = stdout, rsi = message, edx =
    size,
    Buffer.from('0f05b83c00000031ff0f05', 'hex'), // syscall; eax = exit, edi = 0, syscall
  ])
}

function arm64Code(length: number): Buffer {
  const words = [
    0xd2800020, // x0 = stdout
    0x100000e1, // x1 = message, 28 bytes on
    0xd2800002 + length * 32, // x2 = length
    0xd2800808, // x8 = write
    0xd4000001, // svc
    0xd2800000, // x0 = 0
    0xd2800ba8, // x8 = exit
    0xd4000001, // svc
  ]
  const code = Buffer.alloc(words.length * 4)
  for (const [i, word] of words.entries()) code.writeUInt32LE(word, i * 4)
  return code
}

const loadAddress = 0x400000n
const headersSize = 64 + 56

/** System V ABI, ELF-64: file header, one program header that maps the file readable and executable, then the code. */
function elf(machine: number, code: Buffer): Buffer {
  const headers = Buffer.alloc(headersSize)
  headers.write('\x7fELF\x02\x01\x01', 'latin1')
  headers.writeUInt16LE(2, 16) // executable
  headers.writeUInt16LE(machine, 18)
  headers.writeUInt32LE(1, 20)
  headers.writeBigUInt64LE(loadAddress + BigInt(headersSize), 24) // entry point
  headers.writeBigUInt64LE(64n, 32) // program headers
  headers.writeUInt16LE(64, 52)
  headers.writeUInt16LE(56, 54)
  headers.writeUInt16LE(1, 56)
  headers.writeUInt32LE(1, 64) // load
  headers.writeUInt32LE(5, 68) // read, execute
  headers.writeBigUInt64LE(loadAddress, 80)
  headers.writeBigUInt64LE(loadAddress, 88)
  headers.writeBigUInt64LE(BigInt(headersSize + code.length), 96)
  headers.writeBigUInt64LE(BigInt(headersSize + code.length), 104)
  headers.writeBigUInt64LE(0x1000n, 112)
  return Buffer.concat([headers, code])
}
