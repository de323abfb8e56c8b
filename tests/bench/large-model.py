# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory and time of models with much external data: writes a chain of Gemm layers of the given size with random weights into a
folder of its own, runs pare on it, and samples what the process has resident, pages of mapped files apart.

    large-model.py [GB ...]        PARE: the command to measure
"""
import os, shutil, subprocess, sys, tempfile, time

import numpy
import onnx
from onnx import TensorProto, helper

WIDTH = 4096


def external(name, shape, offset):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    length = 4 * numpy.prod(shape, dtype=numpy.int64)
    for key, value in ("location", "chain.onnx.data"), ("offset", offset), ("length", length):
        tensor.external_data.add(key=key, value=str(value))
    return tensor, offset + int(length)


def generate(folder, size):
    layers = max(1, round(size / (4 * WIDTH * WIDTH)))
    random = numpy.random.default_rng(1)
    nodes, weights, offset, last = [], [], 0, "x"
    with open(os.path.join(folder, "chain.onnx.data"), "wb") as data:
        for i in range(layers):
            random.standard_normal((WIDTH, WIDTH), dtype=numpy.float32).tofile(data)
            tensor, offset = external(f"w{i}", (WIDTH, WIDTH), offset)
            weights.append(tensor)
            nodes.append(helper.make_node("Gemm", [last, f"w{i}"], [f"y{i}"], alpha=1 / 64))
            last = f"y{i}"
    shape = [1, WIDTH]
    graph = helper.make_graph(nodes, "chain", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info(last, TensorProto.FLOAT, shape)], weights)
    path = os.path.join(folder, "chain.onnx")
    with open(path, "wb") as file:
        file.write(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]).SerializeToString())
    return path, offset


def measure(words):
    """Seconds, and peaks of private and of mapped memory in MB."""
    begun = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    peaks = {"RssAnon": 0, "RssFile": 0}
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as status:
                for line in status:
                    key = line.split(":")[0]
                    if key in peaks:
                        peaks[key] = max(peaks[key], int(line.split()[1]) * 1024 / 1e6)
        except FileNotFoundError:
            pass
        time.sleep(0.005)
    if process.returncode:
        sys.exit(f"{words} failed")
    return time.monotonic() - begun, peaks["RssAnon"], peaks["RssFile"]


def copy_and_sync(source, target):
    """Seconds of a plain copy that reaches the disk: what bounds an export."""
    begun = time.monotonic()
    with open(source, "rb") as read, open(target, "wb") as write:
        shutil.copyfileobj(read, write, 1 << 24)
        write.flush()
        os.fsync(write.fileno())
    return time.monotonic() - begun


def main():
    pare = os.environ.get("PARE", "pare")
    for size in [float(word) for word in sys.argv[1:]] or [1, 2.5]:
        with tempfile.TemporaryDirectory() as folder:
            path, weights = generate(folder, size * 1e9)
            copy = os.path.join(folder, "copy.onnx")
            runs = {
                "load and run": [pare, "bench", path, "--runs", "1"],
                "load and export": [pare, "launch", f"onnxloader location={path} ! onnxexporter location={copy}"],
            }
            for what, words in runs.items():
                seconds, private, mapped = measure(words)
                print(f"{weights / 1e6:.0f} MB of weights, {what}: {seconds:.1f} s, {weights / 1e6 / seconds:.0f} MB/s, "
                      f"{private:.0f} MB private, {mapped:.0f} MB mapped", flush=True)
            seconds = copy_and_sync(path + ".data", copy + ".data")
            print(f"{weights / 1e6:.0f} MB of weights, plain copy with fsync: {seconds:.1f} s, "
                  f"{weights / 1e6 / seconds:.0f} MB/s", flush=True)


main()
