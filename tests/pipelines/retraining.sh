#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a structural step leaves goes on to graphtrainer, which learns from labels, and to graphdistiller, which learns from the
# original: the network becomes better and keeps its structure.
#   retraining.sh STAGE       a key of the table below
. "$(dirname "$0")/job.sh"
require_fashion
labels=$fashion/train-labels-idx1-ubyte.gz
model=$models/fashion-resnet.onnx

# What the stage is told, so that something is left to learn.
case $1 in
2of4) stage='graphsparsifier mode=1:4 algorithm=magnitude' ;;
filter) stage='graphsparsifier mode=filter ratio=0.1' ;;
decompose) stage='graphdecomposer ratio=0.3' ;;
*) fail "there is no stage '$1'." ;;
esac
source="onnxloader location=$model ! graphfuser widen=true"
images="tensorsrc location=$train samples=1024 ! tensorizer $pixels"

"$PARE" launch "$source ! $stage ! onnxexporter location=$scratch/before.onnx" >/dev/null
"$PARE" launch "$source ! $stage ! graphtrainer name=t learning-rate=0.002 batch-size=32 \
  ! onnxexporter location=$scratch/trained.onnx \
  tensorsrc location=$train labels=$labels samples=1024 ! tensorizer $pixels ! t.tensors" >/dev/null
"$PARE" launch "$source ! tee name=original ! queue ! $stage ! graphdistiller name=d group-size=3 \
  ! onnxexporter location=$scratch/distilled.onnx original. ! queue ! d.teacher $images ! d.tensors" >/dev/null

# layers FILE: all that is said of each layer but its share of zeros, which may only grow.
layers() { "$PARE" inspect "$1" | awk '/Conv|Gemm/ { print $1, $3, $4, $5, $8 }'; }
# top1 FILE
# shellcheck disable=SC2086  # two words
top1() { "$PARE" eval "$1" "data=$test_images" "labels=$test_labels" $pixels samples=2000 --json | number top1; }

layers "$scratch/before.onnx" >"$scratch/structure"
before=$(top1 "$scratch/before.onnx")
for how in trained distilled; do
  layers "$scratch/$how.onnx" | diff "$scratch/structure" - || fail "the network that was $how has another structure."
  after=$(top1 "$scratch/$how.onnx")
  echo "top-1 $before before, $after $how"
  holds "$after > $before + 3" || fail "the network that was $how is not better."
done
