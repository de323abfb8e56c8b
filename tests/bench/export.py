#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exports torchvision architectures with random weights, for measuring speed. Needs python3-torch and python3-torchvision.
   export.py [--training] FOLDER [NAME..]        --training keeps BatchNormalization, which is folded otherwise"""
import argparse
import pathlib

import torch
import torchvision

NAMES = ["resnet18", "resnet50", "mobilenet_v2", "vit_b_16"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--training", action="store_true")
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    folder = pathlib.Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    for name in options.names or NAMES:
        model = getattr(torchvision.models, name)(weights=None).eval()
        torch.onnx.export(
            model, torch.randn(1, 3, 224, 224), str(folder / f"{name}.onnx"), opset_version=13,
            training=torch.onnx.TrainingMode.PRESERVE if options.training else torch.onnx.TrainingMode.EVAL,
            do_constant_folding=not options.training,
            input_names=["image"], output_names=["logits"], dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})


main()
