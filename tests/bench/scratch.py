#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exports fashion-resnet as it is before training, in training form, for tests/bench/learning.sh. Needs python3-torch.
   scratch.py FOLDER"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "models"))
from train import ResNet  # noqa: E402


torch.manual_seed(0)
torch.onnx.export(
    ResNet().eval(), torch.randn(2, 1, 28, 28), str(pathlib.Path(sys.argv[1]) / "scratch.onnx"), opset_version=13,
    training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False, input_names=["image"], output_names=["logits"],
    dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})
