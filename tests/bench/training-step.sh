#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A training step beside PyTorch's, in turns so that both meet the same machine. MODEL is fashion-resnet or one of
# torchvision's, at 224x224:
#   [PYTHON=python3] [MODEL=fashion-resnet] training-step.sh BUILD_DIRECTORY [BATCH [RUNS [THREADS]]]
set -eu

build=$1 batch=${2:-128} runs=${3:-10} threads=${4:-$(nproc)}
here=$(dirname "$(readlink -f "$0")")
python=${PYTHON:-python3} model=${MODEL:-fashion-resnet}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
rounds=$scratch/rounds folder=$here/../models
export OMP_WAIT_POLICY=passive

[ "$model" = fashion-resnet ] || { folder=$scratch; "$python" "$here/export.py" --training "$scratch" "$model"; } >/dev/null

for round in 1 2 3; do
  "$build/tests/bench/training-step" "$folder/$model.onnx" "$batch" "$runs" "$threads"
  "$python" "$here/training-step.py" "$model" "$batch" "$runs" "$threads"
done > "$rounds"

"$python" - "$rounds" "$model" "$batch" "$threads" << 'END'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
ours, theirs = (min(side, key=lambda r: r["ms"]) for side in (lines[0::2], lines[1::2]))
print(f"{sys.argv[2]}, batch {sys.argv[3]}, {sys.argv[4]} threads, best of {len(lines) // 2} rounds")
used = [min(r["processor_ms"] for r in side) for side in (lines[0::2], lines[1::2])]
print(f"  Pare     {ours['ms']:7.1f} ms a step  {used[0]:7.1f} of processors  {ours['memory_mb']:5.0f} MB")
print(f"  PyTorch  {theirs['ms']:7.1f} ms a step  {used[1]:7.1f} of processors  {theirs['memory_mb']:5.0f} MB, of which its libraries {theirs['libraries_mb']:.0f} MB")
print(f"  PyTorch's time / Pare's: {theirs['ms'] / ours['ms']:.2f}, of processors {used[1] / used[0]:.2f}")
peak = max(r["peak_gflops"] for r in lines[0::2])
print(f"  {ours['gflops']:.0f} GFLOP/s, {100 * ours['gflops'] / peak:.0f}% of one large convolution's {peak:.0f}")
END
