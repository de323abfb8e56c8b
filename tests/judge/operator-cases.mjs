/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What ONNX Runtime computes of models without inputs, one JSON object per line of standard output:
 *
 *   operator-cases.mjs MODEL ..
 *
 * {"outputs": [{"shape": [..], "data": [..]}, ..]}, or {"error": ".."} where it refuses. */
import { open } from './runtime.mjs';

const number = (x) => (typeof x === 'bigint' || Number.isFinite(x) ? Number(x) : String(x).replace('Infinity', 'inf').replace('NaN', 'nan'));
const plain = (x) => (typeof x === 'string' ? x : typeof x === 'boolean' ? Number(x) : number(x));

async function run(path) {
  try {
    const session = await open(path, { graphOptimizationLevel: 'disabled', threads: 1, logSeverityLevel: 4 });
    const found = await session.run({});
    return { outputs: session.outputNames.map((name) => ({ shape: found[name].dims, data: Array.from(found[name].data, plain) })) };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
}

for (const path of process.argv.slice(2))
  console.log(JSON.stringify(await run(path)));
