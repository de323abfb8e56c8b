#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Calibration on 4,096 samples takes the memory of 32 samples, within 5%, whatever the algorithm.
. "$(dirname "$0")/job.sh"
require_fashion
[ -z "${PARE_PRELOAD:-}" ] || skip 'the sanitizers keep freed memory.'
[ -x /usr/bin/time ] || skip "the package time is not installed."

# peak ALGORITHM SAMPLES: kilobytes at the highest point.
peak ()
{
  # shellcheck disable=SC2086
  /usr/bin/time -f %M -o "$scratch/peak" "$PARE" run ptq-int8 "model=$models/fashion-resnet.onnx" "data=$train" \
    "calibration=$1" "samples=$2" rounding= $pixels "output=$scratch/out.onnx" >/dev/null
  cat "$scratch/peak"
}

for algorithm in minmax moving-average percentile entropy mse hfmg ifmr; do
  few=$(peak $algorithm 32)
  many=$(peak $algorithm 4096)
  echo "$algorithm: $few kB with 32 samples, $many kB with 4096"
  holds "$many <= 1.05 * $few" || fail "memory of $algorithm grows with the number of samples."
done
