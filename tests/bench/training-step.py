# SPDX-License-Identifier: LGPL-2.1-or-later
"""PyTorch's side of training-step.sh: the same step of fashion-resnet, as one line of JSON."""
import json
import resource
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent.parent / "models"))
import train

batch, runs, threads = map(int, sys.argv[1:4])
torch.set_num_threads(threads)
model = train.ResNet().train()
images, labels = torch.randn(batch, 1, 28, 28), torch.arange(batch) % 10
times = []
for _ in range(runs + 1):
    start = time.monotonic()
    for parameter in model.parameters():
        parameter.grad = None
    F.cross_entropy(model(images), labels).backward()
    times.append((time.monotonic() - start) * 1e3)
times = times[1:]  # the first one prepares
print(json.dumps({"ms": min(times), "mean_ms": sum(times) / runs,
                  "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
