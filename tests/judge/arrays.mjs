/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reads IDX (plain or gz) and .npy arrays, writes .npy: independent of Pare's own readers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

function readIdx(bytes) {
  if (bytes.readUInt16BE(0) !== 0 || bytes[2] !== 8)
    throw new Error('Only IDX files of bytes are read here.');
  const rank = bytes[3];
  const shape = Array.from({ length: rank }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  return { shape, data: new Uint8Array(bytes.subarray(4 + 4 * rank)) };
}

function readNpy(bytes) {
  const long = bytes[6] >= 2;
  const length = long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const start = (long ? 12 : 10) + length;
  const header = bytes.toString('latin1', long ? 12 : 10, start);
  const type = /'descr': *'([^']*)'/.exec(header)[1];
  const shape = /'shape': *\(([^)]*)\)/.exec(header)[1].split(',').filter((s) => s.trim()).map(Number);
  const types = { '<f4': Float32Array, '<f8': Float64Array, '|u1': Uint8Array, '|i1': Int8Array, '<i4': Int32Array };
  if (!(type in types))
    throw new Error(`.npy files of ${type} are not read here.`);
  const copy = Uint8Array.from(bytes.subarray(start));
  return { shape, data: new types[type](copy.buffer) };
}

export function readArray(path) {
  let bytes = readFileSync(path);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    bytes = gunzipSync(bytes);
  return bytes.toString('latin1', 1, 6) === 'NUMPY' ? readNpy(bytes) : readIdx(bytes);
}

export function writeNpy(path, shape, data) {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const padded = header.padEnd(Math.ceil((10 + header.length + 1) / 64) * 64 - 11) + '\n';
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 255, padded.length >> 8]);
  writeFileSync(path, Buffer.concat([prefix, Buffer.from(padded, 'latin1'), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}
