# SPDX-License-Identifier: LGPL-2.1-or-later
"""PyTorch's side of training-step.sh: the same step of the same network, as one line of JSON.
   training-step.py fashion-resnet|NAME-IN-TORCHVISION BATCH RUNS THREADS"""
import json
import resource
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "models"))
import train



def memory_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def network(name):
    if name == "fashion-resnet":
        return train.ResNet(), (1, 28, 28)
    import torchvision
    return getattr(torchvision.models, name)(weights=None), (3, 224, 224)


batch, runs, threads = map(int, sys.argv[2:5])
torch.set_num_threads(threads)
model, shape = network(sys.argv[1])
model.train()
libraries = memory_mb()
images, labels = torch.randn(batch, *shape), torch.arange(batch) % 10
times, processor = [], []
for _ in range(runs + 1):
    start, used = time.monotonic(), time.process_time()
    for parameter in model.parameters():
        parameter.grad = None
    F.cross_entropy(model(images), labels).backward()
    times.append((time.monotonic() - start) * 1e3)
    processor.append((time.process_time() - used) * 1e3)
times, processor = times[1:], processor[1:]  # the first one prepares
print(json.dumps({"ms": min(times), "mean_ms": sum(times) / runs, "processor_ms": min(processor),
                  "memory_mb": memory_mb(), "libraries_mb": libraries}))
