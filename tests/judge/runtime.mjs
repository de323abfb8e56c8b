/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ONNX Runtime as this folder uses it: sessions, batches of normalised images, the class that wins. */
import { createRequire } from 'node:module';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { readArray } from './arrays.mjs';

const SKIPPED = 77;
const folder = process.env.PARE_JUDGE;
if (!folder || !existsSync(join(folder, 'complete'))) {
  console.error('ONNX Runtime is not here: scripts/install-judge fetches it, -Djudge= says where it is.');
  process.exit(SKIPPED);
}
const ort = createRequire(join(folder, 'node_modules', 'x'))('onnxruntime-node');

export const Tensor = ort.Tensor;

/* A session; threads 0 leaves their number to ONNX Runtime. */
export function open(model, { threads = 0, ...options } = {}) {
  return ort.InferenceSession.create(model, {
    intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all', logSeverityLevel: 3, ...options,
  });
}

/* The shape of the first input with 1 for every open dimension but the batch. */
function inputShape(session, batch, size) {
  const open = (d, i) => (i === 0 ? batch : i >= 2 ? size : 1);
  return session.inputMetadata[0].shape.map((d, i) => (typeof d === 'number' && d > 0 && i > 0 ? d : open(d, i)));
}

export function randomInput(session, batch = 1, size = 224) {
  const shape = inputShape(session, batch, size);
  let state = 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 * 4 - 2;
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next);
  return { [session.inputNames[0]]: new Tensor('float32', data, shape) };
}

/* The logits of all images: { classes, logits }. Images are (x / 255 - mean) / std. */
export async function predict(session, { data, mean = 0, std = 1, samples = 0, scale = 1 / 255 }, batch = 500) {
  const { shape, data: pixels } = readArray(data);
  const n = samples > 0 ? Math.min(samples, shape[0]) : shape[0];
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  let logits = null, classes = 0;
  for (let first = 0; first < n; first += batch) {
    const count = Math.min(batch, n - first);
    const x = Float32Array.from(pixels.subarray(first * size, (first + count) * size), (v) => (v * scale - mean) / std);
    const result = await session.run({ [session.inputNames[0]]: new Tensor('float32', x, inputShape(session, count, shape.at(-1))) });
    const output = result[session.outputNames[0]];
    classes = output.dims[1];
    logits ??= new Float32Array(n * classes);
    logits.set(output.data, first * classes);
  }
  return { n, classes, logits };
}

export function winners({ n, classes, logits }) {
  return Array.from({ length: n }, (_, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}

/* What ONNX Runtime really executes after its own optimisation: operator -> number of nodes, and the type of each one's first output. */
export async function operators(model) {
  const directory = mkdtempSync(join(tmpdir(), 'pare-profile-'));
  try {
    const session = await open(model, { threads: 1, enableProfiling: true, profileFilePrefix: join(directory, 'profile') });
    await session.run(randomInput(session));
    session.endProfiling();
    const events = JSON.parse(readFileSync(join(directory, readdirSync(directory)[0]), 'utf8'));
    const counts = {};
    for (const { cat, name, args } of events) {
      if (cat === 'Node' && name.endsWith('_kernel_time'))
        counts[args.op_name] = (counts[args.op_name] ?? 0) + 1;
    }
    return counts;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/* Median milliseconds of one run of each session, taken in turns so that all see the same machine. */
export async function times(sessions, inputs, { seconds = 2, least = 5 } = {}) {
  const taken = sessions.map(() => []);
  for (const [i, session] of sessions.entries())
    await session.run(inputs[i]);
  for (const end = Date.now() + 1000 * seconds; taken[0].length < least || Date.now() < end;) {
    for (const [i, session] of sessions.entries()) {
      const start = process.hrtime.bigint();
      await session.run(inputs[i]);
      taken[i].push(Number(process.hrtime.bigint() - start) / 1e6);
    }
  }
  return taken.map((t) => t.sort((a, b) => a - b)[t.length >> 1]);
}
