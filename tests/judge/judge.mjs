/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What ONNX Runtime says of a model, as one JSON object. Parameters are name=value words, named as the pare command's.
 *
 *   judge.mjs predict MODEL data= [mean= std= samples=] output=LOGITS.npy
 *   judge.mjs eval MODEL data= labels= [mean= std= samples=]         top-1 in percent
 *   judge.mjs compare A B data= [mean= std= samples=]                share of equal classes, SQNR of the logits
 *   judge.mjs agree MODEL LOGITS.npy data= [mean= std= samples=]     the same, against logits that someone else computed
 *   judge.mjs time A B [size=224 batch=1 threads=1 seconds=2]        median milliseconds of both, ratio
 *   judge.mjs operators MODEL                                        what really runs after optimisation */
import { readArray, writeNpy } from './arrays.mjs';
import { open, operators, predict, randomInput, times, winners } from './runtime.mjs';

const percent = (part, all) => (100 * part) / all;

function agreement(a, b) {
  const [wa, wb] = [winners(a), winners(b)];
  let signal = 0, noise = 0;
  for (let i = 0; i < a.n * a.classes; i++) {
    signal += a.logits[i] ** 2;
    noise += (a.logits[i] - b.logits[i]) ** 2;
  }
  return { n: a.n, agreement: percent(wa.filter((c, i) => c === wb[i]).length, a.n), sqnr: 10 * Math.log10(signal / noise) };
}

const logitsOf = async (model, options) => predict(await open(model), options);

const commands = {
  async predict([model], options) {
    const { n, classes, logits } = await logitsOf(model, options);
    writeNpy(options.output, [n, classes], logits);
    return { n, classes };
  },
  async eval([model], options) {
    const labels = readArray(options.labels).data;
    const found = winners(await logitsOf(model, options));
    return { n: found.length, top1: percent(found.filter((c, i) => c === labels[i]).length, found.length) };
  },
  async compare([a, b], options) {
    return agreement(await logitsOf(a, options), await logitsOf(b, options));
  },
  async agree([model, file], options) {
    const { shape, data } = readArray(file);
    const classes = shape.at(-1);
    return agreement(await logitsOf(model, options), { n: data.length / classes, classes, logits: data });
  },
  async time(models, { threads = 1, batch = 1, size = 224, seconds = 2 }) {
    const sessions = await Promise.all(models.map((model) => open(model, { threads })));
    const milliseconds = await times(sessions, sessions.map((s) => randomInput(s, batch, size)), { seconds });
    return { milliseconds, ratio: milliseconds[0] / milliseconds.at(-1) };
  },
  operators: ([model]) => operators(model),
};

const [name, ...words] = process.argv.slice(2);
if (!(name in commands)) {
  console.error(`Use one of: ${Object.keys(commands).join(', ')}.`);
  process.exit(2);
}
const options = Object.fromEntries(words.filter((w) => w.includes('=')).map((w) => {
  const [key, value] = [w.slice(0, w.indexOf('=')), w.slice(w.indexOf('=') + 1)];
  return [key, value !== '' && !Number.isNaN(Number(value)) ? Number(value) : value];
}));
console.log(JSON.stringify(await commands[name](words.filter((w) => !w.includes('=')), options)));
