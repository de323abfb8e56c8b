#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# 2:4 sparsity from the model to the file, without training, trained, and with integers: the pattern is in the file, ONNX Runtime
# gets what we get, the bytes are the same on any number of threads, and little is lost.
. "$(dirname "$0")/job.sh"
require_fashion
model=$models/fashion-mobilenet.onnx
data="data=$test_images labels=$test_labels $pixels samples=2000"

# sparsify OUTPUT [NAME=VALUE..]
sparsify()
{
  sparsify_to=$1
  shift
  # shellcheck disable=SC2086  # two words
  "$PARE" run sparsify-2of4 "model=$model" "output=$scratch/$sparsify_to.onnx" "record=$scratch/$sparsify_to.json" $pixels "$@" \
    >/dev/null
}

# shellcheck disable=SC2086  # words
top1() { "$PARE" eval "$1" $data --json | number top1; }

# Of 18 layers with weights the first has one input, and five are depthwise.
sparse_layers() { "$PARE" inspect "$scratch/$1.onnx" | awk '$2 == "Conv" || $2 == "Gemm" { n += $NF == "2:4" } END { print n }'; }

sparsify magnitude
sparsify solved "data=$train" samples=512
for threads in 1 2; do
  OMP_NUM_THREADS=$threads sparsify again "data=$train" samples=512
  cmp "$scratch/solved.onnx" "$scratch/again.onnx" || fail "the model differs on $threads threads."
  cmp "$scratch/solved.json" "$scratch/again.json" || fail "the record differs on $threads threads."
done
sparsify trained "data=$train" "labels=$fashion/train-labels-idx1-ubyte.gz" samples=2000 learning-rate=0.001
quantize "$scratch/solved.onnx" "$scratch/integers.onnx"

for name in magnitude solved trained integers; do
  [ "$(sparse_layers "$name")" = 12 ] || fail "$name has $(sparse_layers "$name") layers that are 2:4, not 12."
done
cmp -s "$scratch/solved.onnx" "$scratch/trained.onnx" && fail 'training changed nothing.'

dense=$(top1 "$model") magnitude=$(top1 "$scratch/magnitude.onnx") solved=$(top1 "$scratch/solved.onnx")
trained=$(top1 "$scratch/trained.onnx") integers=$(top1 "$scratch/integers.onnx")
echo "dense $dense; 2:4 by magnitude $magnitude, solved $solved, trained $trained, as integers $integers"
holds "$solved >= $dense - 1.5" || fail 'solved weights lose more than 1.5 points.'
holds "$solved >= $magnitude + 10" || fail 'solving is hardly better than magnitude.'
holds "$trained >= $dense - 1.5" || fail 'training makes it worse.'
holds "$integers >= $solved - 0.5" || fail 'eight bits lose more than half a point.'

# shellcheck disable=SC2086  # words
theirs=$(judge eval "$scratch/integers.onnx" $data) || exit $?
theirs=$(echo "$theirs" | number top1)
holds "$integers - $theirs < 0.11 && $theirs - $integers < 0.11" || fail "ONNX Runtime gets $theirs."
