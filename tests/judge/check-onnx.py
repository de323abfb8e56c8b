#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ONNX's own checker on files that Pare saved: check-onnx.py RESAVE [DATA]

A sample of the models of libonnx-testdata is loaded and saved inline, with external data, and raised to a newer operator
set. Saved inline a model equals the original as a parsed message; with external data it does once the data is read in;
all of them pass the checker wherever the original does.
"""
import glob
import os
import subprocess
import sys
import tempfile

try:
    import onnx
    from onnx import checker
except ImportError:
    print("python3-onnx is not installed")
    sys.exit(77)

RESAVE = sys.argv[1]
DATA = sys.argv[2] if len(sys.argv) > 2 else "/usr/share/libonnx-testdata/data"
SAMPLE = 60
# Scan of version 8 has a batch axis; a Resize of version 10 that rounds to nearest has scales known only at run time.
CANNOT_BE_RAISED = ("test_scan_sum", "test_upsample_nearest")


def passes(model):
    try:
        checker.check_model(model, full_check=True)
        return True
    except Exception:
        return False


def save(source, folder, how):
    target = os.path.join(folder, how + ".onnx")
    subprocess.run([RESAVE, source, target, how], check=True)
    return onnx.load(target)


def judge(path, folder):
    """The complaints about one model."""
    original = onnx.load(path)
    valid = passes(original)
    complaints = []
    for how in ("inline", "external"):
        saved = save(path, folder, how)
        if how == "external":
            strip_locations(saved)
        if saved != original:
            complaints.append(how + ": another message than the original")
        if valid and not passes(saved):
            complaints.append(how + ": refused by the checker")
    if valid and 0 < opset(original) < 13 and os.path.basename(os.path.dirname(path)) not in CANNOT_BE_RAISED:
        if not passes(save(path, folder, "13")):
            complaints.append("raised to operator set 13: refused by the checker")
    return complaints


def opset(model):
    return max([o.version for o in model.opset_import if o.domain in ("", "ai.onnx")] or [0])


def strip_locations(model):
    """What onnx.load leaves of external data after it was read in."""
    for tensor in model.graph.initializer:
        tensor.ClearField("data_location")
        del tensor.external_data[:]


def main():
    models = sorted(glob.glob(DATA + "/**/*.onnx", recursive=True))
    if not models:
        print("libonnx-testdata is not installed")
        return 77
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in models[:: max(1, len(models) // SAMPLE)]:
            for complaint in judge(path, folder):
                print(path, complaint)
                failures += 1
    print(len(models), "models,", failures, "complaints")
    return 1 if failures else 0


sys.exit(main())
