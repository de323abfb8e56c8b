#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# ptq-auto meets its target on samples that ranges were not found by, and what it chose can be done again by graphquantizer.
. "$(dirname "$0")/job.sh"
require_fashion
model=$models/fashion-mobilenet.onnx
labels=$fashion/train-labels-idx1-ubyte.gz

# shellcheck disable=SC2086  # words
"$PARE" run ptq-auto "model=$model" "data=$train" "labels=$labels" $pixels samples=2000 validation-split=0.5 calibration-samples=256 \
  evaluation-samples=800 target-drop=0.25 rounding=none max-evaluations=12 "output=$scratch/auto.onnx" "record=$scratch/auto.json" \
  "configuration=$scratch/layers" --json >"$scratch/said.json"

drop=$(number drop <"$scratch/auto.json")
[ "$drop" = "$(number drop <"$scratch/said.json")" ] || fail 'what pare says is not what the record says.'
evaluations=$(number evaluations <"$scratch/auto.json")
raised=$(number raised <"$scratch/auto.json")
layers=$(number layers <"$scratch/auto.json")
echo "lost $drop points in $evaluations evaluations; $raised of $layers layers raised"
holds "$drop <= 0.25" || fail 'the target is not met.'
holds "$evaluations <= 13" || fail 'the bound on evaluations is not kept.'
holds "$raised < $layers / 2" || fail 'hardly a layer kept its bits.'

launch onnxloader "location=$model" ! graphfuser widen=true ! graphcalibrator name=c batch-size=64 \
  ! graphquantizer bits=4 "layers=@$scratch/layers" ! onnxexporter "location=$scratch/again.onnx" \
  tensorsrc "location=$train" samples=2000 ! tensorizer mean=0.2860 std=0.3530 \
  ! tensorstore validation-split=0.5 src_0::part=train src_0::samples=256 ! c.tensors
cmp "$scratch/auto.onnx" "$scratch/again.onnx" || fail 'the configuration gives another model.'

# Other samples to evaluate on, and no labels: what counts is that classes stay.
# shellcheck disable=SC2086
"$PARE" run ptq-auto "model=$model" "data=$train" $pixels samples=256 "eval-data=$train" evaluation-samples=400 rounding-samples=100 target-drop=3 \
  "output=$scratch/agreed.onnx" "record=$scratch/agreed.json" >/dev/null
holds "$(number drop <"$scratch/agreed.json") <= 3" || fail 'too many samples change their class.'
