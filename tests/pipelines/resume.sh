#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Training that is killed in the middle and run again ends with the bytes of one that was not; a checkpoint of another
# model is refused.
. "$(dirname "$0")/job.sh"
require_fashion
labels=$fashion/train-labels-idx1-ubyte.gz

# train_to OUTPUT [NAME=VALUE..]: the shell that runs it becomes the training.
train_to()
{
  train_output=$1
  shift
  # shellcheck disable=SC2086  # two words
  exec "$PARE" run train "model=$models/$model.onnx" "data=$train" "labels=$labels" samples=600 $pixels batch-size=30 \
    seed=5 "output=$scratch/$train_output.onnx" "$@" >/dev/null 2>"$scratch/stderr"
}

model=fashion-mobilenet
(train_to whole epochs=3)

# Killed as soon as it has learnt something to go on from, in the middle of an epoch.
train_to killed epochs=3 "checkpoint=$scratch/checkpoint" trainer.checkpoint-interval=7 &
job=$!
waited=0
until cmp "$scratch/first" "$scratch/checkpoint" 2>&1 | grep -q differ || [ $waited = 400 ]; do
  sleep 0.05
  [ -e "$scratch/first" ] || cp "$scratch/checkpoint" "$scratch/first" 2>/dev/null || true
  waited=$((waited + 1))
done
kill -9 $job 2>/dev/null || true
wait $job 2>/dev/null && fail 'it was over before it could be killed.'
[ -e "$scratch/checkpoint" ] || fail 'there is no checkpoint.'
[ ! -e "$scratch/killed.onnx" ] || fail 'a killed training wrote a model.'

cp "$scratch/checkpoint" "$scratch/middle"
(train_to resumed epochs=3 "checkpoint=$scratch/checkpoint" trainer.checkpoint-interval=7)
cmp "$scratch/whole.onnx" "$scratch/resumed.onnx" || fail 'going on gives other bytes than not stopping.'
# Had it begun anew, this would not be shown by the bytes.
! cmp -s "$scratch/checkpoint" "$scratch/middle" || fail 'the checkpoint did not move.'

# Numbers that run away leave the checkpoint as it was, and it can be gone on from with better settings.
status=0
cp "$scratch/checkpoint" "$scratch/middle"
(train_to wild "checkpoint=$scratch/checkpoint" epochs=4 schedule=constant learning-rate=1e30) || status=$?
[ "$status" != 0 ] || fail 'training with numbers that are not finite was accepted.'
grep -q "not finite.*kept in the checkpoint '$scratch/checkpoint'" "$scratch/stderr" || fail "this is what it says: $(cat "$scratch/stderr")"
[ ! -e "$scratch/wild.onnx" ] || fail 'a training that ran away wrote a model.'
cmp "$scratch/checkpoint" "$scratch/middle" || fail 'numbers that are not finite changed the checkpoint.'
(train_to tamed "checkpoint=$scratch/checkpoint" epochs=4 schedule=constant) || fail "it does not go on: $(cat "$scratch/stderr")"

status=0
model=fashion-resnet
(train_to other "checkpoint=$scratch/checkpoint") || status=$?
[ "$status" != 0 ] || fail 'a checkpoint of another model was accepted.'
grep -q 'belongs to another model' "$scratch/stderr" || fail "this is what it says: $(cat "$scratch/stderr")"
[ ! -e "$scratch/other.onnx" ] || fail 'a refused training wrote a model.'
