/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Measures what docs/measurements.md reports and prints it as that page's tables. Run in `meson devenv`:
 *
 *   measure.mjs machine
 *   measure.mjs accuracy MODEL..                       float and INT8 top-1 on Fashion-MNIST, in ONNX Runtime and here
 *   measure.mjs int8 [size=224] [data=FILE] MODEL..    ONNX Runtime, one thread, batch 1: float against our INT8
 *   measure.mjs speed [batch=8] [threads=2] MODEL..    pare bench beside ONNX Runtime, in turns
 *   measure.mjs integers [batch=8] [threads=2] MODEL.. our INT8 on integers beside ONNX Runtime and our float, in turns
 *
 * ONNX Runtime is looked for in the folder that PARE_JUDGE names (scripts/install-judge FOLDER puts it there). */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { writeNpy, readArray } from '../judge/arrays.mjs';
import { open, predict, randomInput, times, winners } from '../judge/runtime.mjs';

const fashion = '/usr/share/datasets/fashion-mnist';
const pixels = { mean: 0.286, std: 0.353 };
const scratch = mkdtempSync(join(tmpdir(), 'pare-measure-'));
const words = (options) => Object.entries(options).map(([key, value]) => `${key}=${value}`);
const pare = (...args) => execFileSync('pare', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
const header = (...cells) => (row(...cells), row(...cells.map(() => '---')));
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

function quantize(model, options) {
  const output = join(scratch, 'int8.onnx');
  pare('run', 'ptq-int8', `model=${model}`, ...words(options), `output=${output}`);
  return output;
}

async function accuracy(models) {
  const images = { data: `${fashion}/t10k-images-idx3-ubyte.gz`, ...pixels };
  const labels = `${fashion}/t10k-labels-idx1-ubyte.gz`;
  const truth = readArray(labels).data;
  const judged = async (model) => winners(await predict(await open(model), images));
  const share = (found, wanted) => (found.filter((c, i) => c === wanted[i]).length / found.length * 100).toFixed(2);
  const ours = (model) => JSON.parse(pare('eval', model, ...words({ ...images, labels }), '--json')).top1.toFixed(2);
  header('model', 'float', 'INT8 in ONNX Runtime', 'same class as float there', 'INT8 here', 'bytes, float', 'bytes, INT8');
  for (const model of models) {
    const int8 = quantize(model, { data: `${fashion}/train-images-idx3-ubyte.gz`, samples: 512, ...pixels });
    const [float, quantized] = [await judged(model), await judged(int8)];
    row(basename(model, '.onnx'), share(float, truth), share(quantized, truth), share(quantized, float), ours(int8), statSync(model).size, statSync(int8).size);
  }
}

/* Random pictures: the values do not matter for speed. */
function randomPictures(size) {
  const file = join(scratch, 'pictures.npy');
  writeNpy(file, [4, 3, size, size], Float32Array.from({ length: 12 * size * size }, (_, i) => Math.sin(i * i)));
  return file;
}

async function int8(models, { size = 224, data }) {
  const calibration = data ? { data, samples: 64, ...pixels } : { data: randomPictures(size) };
  header('model', 'float, ms', 'INT8, ms', 'times as fast');
  for (const model of models) {
    const sessions = [await open(model, { threads: 1 }), await open(quantize(model, calibration), { threads: 1 })];
    const [a, b] = await times(sessions, sessions.map((s) => randomInput(s, 1, size)), { seconds: 6 });
    row(basename(model, '.onnx'), a.toFixed(2), b.toFixed(2), (a / b).toFixed(2));
  }
}

/* Milliseconds of processor time that a run takes when threads that wait do not spin. */
async function processorTime(model, threads, batch, size, runs = 3) {
  const session = await open(model, { threads, extra: { session: { intra_op: { allow_spinning: '0' } } } });
  const input = randomInput(session, batch, size);
  await session.run(input);
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i++)
    await session.run(input);
  const { user, system } = process.cpuUsage(before);
  await session.release();
  return (user + system) / 1000 / runs;
}

async function speed(models, { batch = 8, threads = 2, size = 224, rounds = 3 }) {
  header('model', 'batch', 'threads', 'Pare, samples/s', 'ONNX Runtime, samples/s', 'ratio', 'ratio of processor time', 'Pare, MB');
  for (const model of models) {
    const [here, there, ours, theirs] = [[], [], [], []];
    let memory = 0;
    for (let i = 0; i < rounds; i++) {
      const report = JSON.parse(pare('bench', model, '--batch', batch, '--threads', threads, '--size', size, '--json'));
      here.push(report.samples_per_second);
      ours.push(report.processor_milliseconds);
      memory = Math.max(memory, report.peak_mb);
      const session = await open(model, { threads });
      const [ms] = await times([session], [randomInput(session, batch, size)], { seconds: 3 });
      there.push(1000 * batch / ms);
      theirs.push(await processorTime(model, threads, batch, size));
      await session.release();
    }
    const [a, b] = [median(here), median(there)];
    row(basename(model, '.onnx'), batch, threads, a.toFixed(1), b.toFixed(1), (a / b).toFixed(2),
        (median(theirs) / median(ours)).toFixed(2), memory.toFixed(0));
  }
}

async function integers(models, { batch = 8, threads = 2, size = 224, rounds = 3 }) {
  header('model', 'batch', 'threads', 'Pare INT8, samples/s', 'ONNX Runtime INT8, samples/s', 'ratio', 'Pare float, samples/s', 'ratio');
  for (const model of models) {
    const file = quantize(model, { data: randomPictures(size) });
    const bench = (of, ...more) => JSON.parse(pare('bench', of, '--batch', batch, '--threads', threads, '--size', size, '--json', ...more)).samples_per_second;
    const [here, there, float] = [[], [], []];
    for (let i = 0; i < rounds; i++) {
      here.push(bench(file, '--integer'));
      const session = await open(file, { threads });
      const [ms] = await times([session], [randomInput(session, batch, size)], { seconds: 3 });
      there.push(1000 * batch / ms);
      await session.release();
      float.push(bench(model));
    }
    const [a, b, c] = [median(here), median(there), median(float)];
    row(basename(model, '.onnx'), batch, threads, a.toFixed(1), b.toFixed(1), (a / b).toFixed(2), c.toFixed(1), (a / c).toFixed(2));
  }
}

function machine() {
  const debian = execFileSync('sh', ['-c', '. /etc/os-release; echo "$PRETTY_NAME"'], { encoding: 'utf8' }).trim();
  console.log(`${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${debian}, node ${process.version}.`);
}

const [name, ...rest] = process.argv.slice(2);
const options = Object.fromEntries(rest.filter((w) => w.includes('=')).map((w) => w.split('=')).map(([k, v]) => [k, v !== '' && !Number.isNaN(+v) ? +v : v]));
const models = rest.filter((w) => !w.includes('='));
try {
  await { machine, accuracy: () => accuracy(models), int8: () => int8(models, options), speed: () => speed(models, options), integers: () => integers(models, options) }[name]();
} finally {
  rmSync(scratch, { recursive: true });
}
