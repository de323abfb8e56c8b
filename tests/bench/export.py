#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exports torchvision architectures with random weights, for measuring speed. Needs python3-torch and python3-torchvision.
   export.py FOLDER [NAME..]"""
import pathlib
import sys

import torch
import torchvision

NAMES = ["resnet18", "resnet50", "mobilenet_v2", "vit_b_16"]


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    for name in sys.argv[2:] or NAMES:
        model = getattr(torchvision.models, name)(weights=None).eval()
        torch.onnx.export(
            model, torch.randn(1, 3, 224, 224), str(folder / f"{name}.onnx"), opset_version=13,
            input_names=["image"], output_names=["logits"], dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})


main()
