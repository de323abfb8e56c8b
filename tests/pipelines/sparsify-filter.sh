#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whole filters go: the file is smaller in every respect, ONNX Runtime gets what we get from it, and training brings back most of
# what was lost.
. "$(dirname "$0")/job.sh"
require_fashion
labels=$fashion/train-labels-idx1-ubyte.gz
data="data=$test_images labels=$test_labels $pixels samples=2000"

# sparsify OUTPUT [NAME=VALUE..]
sparsify()
{
  to=$1
  shift
  # shellcheck disable=SC2086  # two words
  "$PARE" run sparsify-filter "model=$models/fashion-resnet.onnx" "data=$train" $pixels sparsify-samples=128 "output=$to" "$@" >/dev/null
}

sparsify "$scratch/half.onnx" algorithm=bcp ratio=0.5 samples=128
"$PARE" inspect "$scratch/half.onnx" >"$scratch/half.txt"
grep -q '^/stem/stem.0/Conv .*\[1,8,28,28\]' "$scratch/half.txt" || fail 'the first layer did not lose half of its filters.'
grep -q '^/fc/Gemm .*\[1,10\]' "$scratch/half.txt" || fail 'the output is not what it was.'
parameters=$(sed -n 's/.* \([0-9][0-9]*\) parameters.*/\1/p' "$scratch/half.txt")
[ "$parameters" = 42778 ] || fail "$parameters parameters are left, not 42778."
[ "$(wc -c <"$scratch/half.onnx")" -lt 200000 ] || fail 'the file did not become smaller.'

sparsify "$scratch/aligned.onnx" algorithm=bcp ratio=0.3 align=16 samples=128
"$PARE" inspect "$scratch/aligned.onnx" | grep -q '^/body/body.4/c2/Conv .*\[1,48,7,7\]' || fail '45 filters were not rounded up to 48.'

# Half of the multiplications go, labels are not looked at, and 2 points are the most that may be lost.
# shellcheck disable=SC2086
"$PARE" run sparsify-filter "model=$models/fashion-resnet.onnx" "data=$train" $pixels budget=macs ratio=0.5 samples=512 \
  "output=$scratch/macs.onnx" >/dev/null
macs=$("$PARE" inspect "$scratch/macs.onnx" | sed -n 's/.* \([0-9][0-9]*\) MACs.*/\1/p')
[ "$macs" -le 8285632 ] || fail "$macs multiply-accumulates are left of 16571264."
# shellcheck disable=SC2086
left=$("$PARE" eval "$scratch/macs.onnx" $data --json | number top1)
# shellcheck disable=SC2086
float=$("$PARE" eval "$models/fashion-resnet.onnx" $data --json | number top1)
echo "top-1 $left without training, $float before"
holds "$left > $float - 2" || fail 'the layers behind did not make up for it.'
if "$PARE" run sparsify-filter "model=$models/fashion-resnet.onnx" ratio=1 "output=$scratch/none.onnx" >/dev/null 2>"$scratch/error.txt"; then
  fail 'a ratio of 1 passed.'
fi
grep -q 'ratio' "$scratch/error.txt" || fail "the error does not name the ratio: $(cat "$scratch/error.txt")"

sparsify "$scratch/trained.onnx" algorithm=taylor ratio=0.3 "labels=$labels" samples=4096 batch-size=32 epochs=1
# shellcheck disable=SC2086
{
  ours=$("$PARE" eval "$scratch/trained.onnx" $data --json | number top1)
  theirs=$(judge eval "$scratch/trained.onnx" $data) || exit $?
}
theirs=$(echo "$theirs" | number top1)
echo "top-1 $ours, in ONNX Runtime $theirs"
holds "$ours > 80" || fail 'the network was lost.'
holds "$ours - $theirs < 0.11 && $theirs - $ours < 0.11" || fail 'ONNX Runtime gets something else.'
