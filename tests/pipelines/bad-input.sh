#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Bad input of every kind ends in a non-zero status and one sentence that names the thing; the target is left as it was.
. "$(dirname "$0")/job.sh"
require_fashion
model=$models/fashion-resnet.onnx
target=$scratch/out/target.onnx
mkdir "$scratch/out"
failures=0

# refuse NAME WORDS COMMAND..: COMMAND must refuse, with a sentence that has WORDS (an extended regular expression) in it.
refuse()
{
  name=$1 words=$2
  shift 2
  echo 'what was there before' >"$target"
  status=0
  timeout 60 "$@" >"$scratch/stdout" 2>"$scratch/stderr" </dev/null || status=$?
  wrong=
  [ "$status" != 0 ] || wrong='it was accepted'
  [ "$status" -lt 124 ] || wrong="it hung or crashed (status $status)"
  [ "$(grep -c . "$scratch/stderr")" = 1 ] || wrong="${wrong:-it does not say one sentence}"
  grep -qE '[.?]$' "$scratch/stderr" || wrong="${wrong:-what it says is no sentence}"
  grep -qiE "$words" "$scratch/stderr" || wrong="${wrong:-the sentence does not have '$words' in it}"
  [ "$(cat "$target")" = 'what was there before' ] || wrong="${wrong:-the target was touched}"
  [ "$(ls -A "$scratch/out")" = target.onnx ] || wrong="${wrong:-something was left beside the target}"
  if [ -n "$wrong" ]; then
    echo "FAILED: $name: $wrong." >&2
    sed 's/^/    /' "$scratch/stderr" >&2
    failures=$((failures + 1))
  else
    echo "$name: $(cat "$scratch/stderr")"
  fi
}

refuse_model() { refuse "$1" "$2" "$PARE" run ptq-int8 "model=$3" "data=$train" samples=8 mean=0.2860 std=0.3530 "output=$target"; }
refuse_data() { refuse "$1" "$2" "$PARE" run ptq-int8 "model=$3" "data=$4" samples=8 mean=0.2860 std=0.3530 "output=$target"; }

# Models. Those that no exporter writes are built byte by byte: `value` is a float tensor [1,4] named $1.
value() { printf '\012\001%s\022\016\012\014\010\001\022\010\012\002\010\001\012\002\010\004' "$1"; }
opset() { printf '\102\004\012\000\020\015'; }
: >"$scratch/empty.onnx"
head -c 300000 "$model" >"$scratch/truncated.onnx"
gzip -nc "$model" | head -c 5000 >"$scratch/random.onnx"
LC_ALL=C sed 's/Relu/Rolu/g' "$model" >"$scratch/unknown.onnx"
{ # a = Add (x, b); b = Relu (a)
  printf '\010\010\072\113\012\016\012\001x\012\001b\022\001a\042\003Add\012\014\012\001a\022\001b\042\004Relu\022\001g'
  printf '\132\023'; value x; printf '\142\023'; value b; opset
} >"$scratch/cyclic.onnx"
{ # z = Add (x, y)
  printf '\010\010\072\122\012\016\012\001x\012\001y\022\001z\042\003Add\022\001g'
  printf '\132\023'; value x; printf '\132\023'; value y; printf '\142\023'; value z; opset
} >"$scratch/two-inputs.onnx"

refuse_model 'missing file' 'nowhere\.onnx' "$scratch/nowhere.onnx"
refuse_model 'truncated model' 'truncated\.onnx' "$scratch/truncated.onnx"
refuse_model 'random bytes' 'random\.onnx' "$scratch/random.onnx"
refuse_model '0-byte file' 'empty\.onnx' "$scratch/empty.onnx"
refuse_model 'cyclic graph' 'cycl|circ' "$scratch/cyclic.onnx"
refuse_model 'unknown operator' 'Rolu' "$scratch/unknown.onnx"
refuse_model 'folder for a model' "$(basename "$scratch")" "$scratch"

# Data: IDX files of bytes. idx SAMPLES SIDE
idx() { printf "\000\000\010\003\000\000\000\00$1\000\000\000\00$2\000\000\000\00$2"; head -c $(($1 * $2 * $2)) /dev/zero; }
idx 3 4 >"$scratch/small.idx"
idx 0 4 >"$scratch/none.idx"
idx 3 4 | head -c 50 >"$scratch/truncated.idx"
printf '\000\000\010\002\000\000\000\003\000\000\000\004012301230123' >"$scratch/four.idx"
refuse_data 'missing data' 'nothing\.idx' "$model" "$scratch/nothing.idx"
refuse_data 'wrong tensor sizes' 'image.*28' "$model" "$scratch/small.idx"
refuse_data 'wrong number of tensors' '(1|one) tensor.*(2|two)|(2|two) (tensors|inputs).*(1|one)' "$scratch/two-inputs.onnx" "$scratch/four.idx"
refuse_data 'no sample in the file' 'sample' "$model" "$scratch/none.idx"
refuse_data 'truncated data' 'truncated\.idx' "$model" "$scratch/truncated.idx"
refuse_data 'data that is no data' 'random\.onnx' "$model" "$scratch/random.onnx"
refuse 'stream without a sample' 'sample' "$PARE" launch "onnxloader location=$model ! graphfuser ! graphcalibrator name=c \
  ! graphquantizer ! onnxexporter location=$target \
  videotestsrc num-buffers=0 ! video/x-raw,format=GRAY8,width=28,height=28 ! tensorizer ! c.tensors"

# XML.
job()
{
  printf '<pipeline xmlns="urn:pare:pipeline:1" version="1">\n<chain>\n<element factory="onnxloader"><property name="location">%s</property></element>\n' "$model"
  printf '%s\n<element factory="onnxexporter"><property name="location">%s</property></element>\n</chain>\n' "$1" "$target"
}
{ job '<element factory="graphfuser"><property name="speed">7</property></element>'; echo '</pipeline>'; } >"$scratch/property.xml"
{ job '<element factory="graphfusor"/>'; echo '</pipeline>'; } >"$scratch/element.xml"
job '' >"$scratch/malformed.xml"
refuse 'unknown property in XML' 'property\.xml:4:.*speed' "$PARE" run "$scratch/property.xml"
refuse 'unknown element in XML' 'element\.xml:4:.*graphfuser' "$PARE" run "$scratch/element.xml"
refuse 'malformed XML' 'malformed\.xml:[0-9]+' "$PARE" run "$scratch/malformed.xml"
refuse 'unknown parameter' 'modle.*model' "$PARE" run ptq-int8 "modle=$model"
refuse 'unknown recipe' 'ptq-int8' "$PARE" run ptq-int9 "model=$model"

# Targets.
refuse_target() { refuse "$1" "$2" "$PARE" run ptq-int8 "model=$model" "data=$train" samples=8 mean=0.2860 std=0.3530 "output=$3"; }
refuse_target 'target in no folder' 'nowhere' "$scratch/nowhere/target.onnx"
refuse_target 'target that is a folder' "$(basename "$scratch")" "$scratch"
mkdir "$scratch/full"
if mount -t tmpfs -o size=64k none "$scratch/full" 2>/dev/null; then
  trap 'umount "$scratch/full"; rm -rf "$scratch"' EXIT
  refuse_target 'disk full' 'space' "$scratch/full/target.onnx"
  [ -z "$(ls -A "$scratch/full")" ] || fail 'a half-written file was left on the full disk.'
fi
# A limit on the size of files stands in for a full disk where nothing may be mounted.
refuse 'no space for the file' 'space|too large' sh -c "trap '' XFSZ; ulimit -f 16; exec \"\$@\"" sh \
  "$PARE" run ptq-int8 "model=$model" "data=$train" samples=8 mean=0.2860 std=0.3530 "output=$target"

# Training: 64 black images of 28 x 28, and labels that go wrong in their own ways.
sixty_four() { head -c $((64 * $1)) /dev/zero; }
{ printf '\000\000\010\003\000\000\000\100\000\000\000\034\000\000\000\034'; sixty_four 784; } >"$scratch/black.idx"
{ printf '\000\000\010\001\000\000\000\100'; sixty_four 1; } >"$scratch/labels.idx"
{ printf '\000\000\010\001\000\000\000\100'; sixty_four 1 | tr '\000' '\115'; } >"$scratch/high.idx"
{ printf '\000\000\010\002\000\000\000\100\000\000\000\003'; sixty_four 3; } >"$scratch/triple.idx"
printf '\000\000\010\001\000\000\000\003\001\002\003' >"$scratch/three.idx"
refuse_labels()
{
  refuse_name=$1 refuse_words=$2 refuse_file=$3
  shift 3
  refuse "$refuse_name" "$refuse_words" "$PARE" run train "model=$models/fashion-mobilenet.onnx" "data=$scratch/black.idx" \
    "labels=$scratch/$refuse_file.idx" "output=$target" "$@"
}
refuse_labels 'labels out of range' 'label 77.*classes 0 to 9' high batch-size=16
refuse_labels 'labels of a wrong shape' 'labels.*16, ?3.*one class number per sample' triple batch-size=16
refuse_labels 'labels that end early' 'three\.idx.*3|3 .*64|64 .*3' three
refuse_labels 'fewer samples than a batch' 'samples, fewer than the 100 of a batch' labels batch-size=100
refuse_labels 'numbers that are not finite' "not finite: '[^']+' \([A-Za-z]+\) was the first layer" labels batch-size=16 schedule=constant learning-rate=1e30
refuse_labels 'unknown loss' "'cross-entrpy'.*cross-entropy" labels loss=cross-entrpy
refuse_labels 'checkpoint that is none' 'triple\.idx.*no checkpoint' labels "checkpoint=$scratch/triple.idx"
refuse_labels 'checkpoint in no folder' 'nowhere' labels "checkpoint=$scratch/nowhere/checkpoint"
refuse_training() { refuse "$1" "$2" "$PARE" launch "onnxloader location=$models/fashion-mobilenet.onnx ! graphtrainer name=t batch-size=16 $3 \
  ! onnxexporter location=$target tensorsrc location=$scratch/black.idx $4 ! tensorizer ! t.tensors"; }
refuse_training 'samples without labels' '1 tensors.*then the labels' '' ''
refuse_training 'a stream that ends after the first epoch' 'put a tensorstore' epochs=2 "labels=$scratch/labels.idx"
refuse 'a teacher of another kind' "teacher has no value that matches.*'/body/body.0/c1/Conv'" "$PARE" launch "onnxloader location=$model \
  ! graphdistiller name=d groups=/body/body.0/c1/Conv:/body/body.0/c1/Conv ! onnxexporter location=$target \
  onnxloader location=$models/fashion-mobilenet.onnx ! d.teacher tensorsrc location=$scratch/black.idx ! tensorizer ! d.tensors"
refuse 'a teacher with other inputs' 'student has 1 inputs.*teacher' "$PARE" launch "onnxloader location=$model ! graphdistiller name=d \
  ! onnxexporter location=$target onnxloader location=$scratch/two-inputs.onnx ! d.teacher \
  tensorsrc location=$scratch/black.idx ! tensorizer ! d.tensors"

[ "$failures" = 0 ] || fail "$failures kinds of bad input."
