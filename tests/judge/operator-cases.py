#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes tests/core/operator-cases/*.json: single operators with inputs, and the outputs that ONNX Runtime computes.

    PARE_JUDGE=folder operator-cases.py [FAMILY ..]

Where it has no kernel, the output stands in the case itself, with its origin. Run by hand when cases are added;
test-operator-cases compares the executor with the files.
"""
import importlib
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.join(HERE, "..", "core", "operator-cases")
FAMILIES = ("quantize", "opset18", "opset19", "opset20", "opset21", "opset23", "empty")
TYPES = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "string": 8, "bool": 9,
         "float16": 10, "float64": 11, "uint32": 12, "uint64": 13, "bfloat16": 16, "uint4": 21, "int4": 22}


class Tensor:
    """Numbers, and the type that they are stored in where NumPy has none (int4, uint4, bfloat16)."""

    def __init__(self, array, kind=None):
        self.array = np.asarray(array)
        self.kind = kind or ("string" if self.array.dtype.kind in "OU" else self.array.dtype.name)

    def proto(self, name):
        array = self.array
        if self.kind == "string":
            return helper.make_tensor(name, TensorProto.STRING, array.shape, [s.encode() for s in array.flatten()])
        if self.kind in ("int4", "uint4"):
            nibbles = np.append(array.flatten().astype(np.int64) & 15, [0] * (array.size % 2)).astype(np.uint8)
            raw = (nibbles[0::2] | nibbles[1::2] << 4).astype(np.uint8)
        elif self.kind == "bfloat16":
            raw = (array.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        else:
            raw = array
        return TensorProto(name=name, data_type=TYPES[self.kind], dims=array.shape, raw_data=raw.tobytes())

    def json(self):
        plain = [x if isinstance(x, str) else
                 x if np.isfinite(x) else str(x) for x in self.array.flatten().tolist()]
        plain = [int(x) if isinstance(x, bool) else x for x in plain]
        return {"type": self.kind, "shape": list(self.array.shape), "data": plain}


def tensor(x):
    return x if x is None or isinstance(x, Tensor) else Tensor(x)


def case(op, name, inputs, types=("float32",), opset=21, outputs=None, tolerance=1e-5, error=None, **attributes):
    """One case. @types: of the outputs. @outputs: given where ONNX Runtime is not asked. @error: part of our message."""
    return {"op": op, "name": name, "inputs": [tensor(x) for x in inputs], "types": types, "opset": opset,
            "outputs": outputs, "tolerance": tolerance, "error": error, "attributes": attributes}


def model_of(c):
    """The case as a model whose inputs are constants. Outputs that JavaScript cannot hold are widened."""
    inputs = ["x%d" % i if x is not None else "" for i, x in enumerate(c["inputs"])]
    outputs = ["y%d" % i if t else "" for i, t in enumerate(c["types"])]
    attributes = {k: v.proto("v") if isinstance(v, Tensor) else v for k, v in c["attributes"].items()}
    nodes = [helper.make_node(c["op"], inputs, outputs, **attributes)]
    results = []
    for name, kind in zip(outputs, c["types"]):
        wide = {"int4": 3, "uint4": 2, "float16": 1, "bfloat16": 1}.get(kind)
        if wide:
            nodes.append(helper.make_node("Cast", [name], [name + "_wide"], to=wide))
            name += "_wide"
        if kind:
            results.append(onnx.ValueInfoProto(name=name))
    graph = onnx.GraphProto(name="case", node=nodes, output=results)
    graph.initializer.extend(x.proto("x%d" % i) for i, x in enumerate(c["inputs"]) if x is not None)
    return onnx.ModelProto(ir_version=10, opset_import=[helper.make_opsetid("", c["opset"])], graph=graph)


def ask(cases, folder):
    """What ONNX Runtime says of each."""
    paths = []
    for i, c in enumerate(cases):
        paths.append(os.path.join(folder, "%d.onnx" % i))
        with open(paths[-1], "wb") as file:
            file.write(model_of(c).SerializeToString())
    answers = []
    while len(answers) < len(paths):
        found = subprocess.run(["node", os.path.join(HERE, "operator-cases.mjs"), *paths[len(answers):]], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
        answers += [json.loads(line) for line in found.stdout.splitlines()]
        if found.returncode and len(answers) < len(paths):
            answers.append({"error": "it crashes"})
    return answers


def written(c, answer):
    fields = {k: c[k] for k in ("op", "name", "opset", "tolerance") }
    fields["attributes"] = {k: v.json() if isinstance(v, Tensor) else v for k, v in c["attributes"].items()}
    fields["inputs"] = [x and x.json() for x in c["inputs"]]
    if c["error"]:
        fields["error"] = c["error"]
    elif answer is None:
        fields["outputs"] = [tensor(x) and tensor(x).json() for x in c["outputs"]]
    else:
        left = list(answer["outputs"])
        fields["outputs"] = [t and {"type": t, **left.pop(0)} for t in c["types"]]
    return json.dumps(fields)


def write(family):
    cases = importlib.import_module("operator_cases." + family).cases(case, Tensor)
    asked = [c for c in cases if c["outputs"] is None and c["error"] is None]
    with tempfile.TemporaryDirectory() as folder:
        answers = dict(zip(map(id, asked), ask(asked, folder))) if asked else {}
    for c in asked:
        if "error" in answers[id(c)]:
            print("%s/%s: ONNX Runtime: %s" % (c["op"], c["name"], answers[id(c)]["error"]), file=sys.stderr)
    lines = [written(c, answers.get(id(c))) for c in cases if "error" not in (answers.get(id(c)) or {})]
    with open(os.path.join(TARGET, family + ".json"), "w") as file:
        file.write("[\n" + ",\n".join(lines) + "\n]\n")
    print("%s: %d cases" % (family, len(lines)))


if __name__ == "__main__":
    for chosen in sys.argv[1:] or FAMILIES:
        write(chosen)
