"""PyTorch's step of ReSSL on random views in memory: images a second, as JSON.

    python scripts/bench_torch.py --batch_size=64 --queue_size=4096

Needs torch alone. The same algorithm as ressl_tf's: ResNet-18 with the stem for small
images, projector Linear-ReLU-Linear, EMA target, relation to a queue, SGD with momentum
and coupled weight decay; channels_last, PyTorch's faster memory format on CPUs. With
--serve it measures once for every line of stdin, which is a number of seconds.
"""

import argparse
import copy
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            project = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(project, nn.BatchNorm2d(outputs))

    def forward(self, x):
        """Return the features of the block."""
        y = functional.relu(self.norm1(self.first(x)), inplace=True)
        return functional.relu(
            self.norm2(self.second(y)) + self.shortcut(x), inplace=True
        )


def encoder(hidden_dim, embedding_dim):
    """Return ResNet-18 with a 3x3 stem and no max-pool, and the projector."""
    layers, width = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64)], 64
    layers.append(nn.ReLU(inplace=True))
    for stage, outputs in enumerate((64, 128, 256, 512)):
        for block in range(2):
            stride = 2 if stage and not block else 1
            layers.append(Block(width, outputs, stride))
            width = outputs
    head = [nn.Linear(512, hidden_dim), nn.ReLU(inplace=True)]
    head.append(nn.Linear(hidden_dim, embedding_dim))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *head)


class Trainer:
    """One model, its target, its queue and one batch of views."""

    def __init__(self, flags):
        self.online = encoder(flags.hidden_dim, flags.embedding_dim)
        self.online.to(memory_format=torch.channels_last)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        queue = torch.randn(flags.queue_size, flags.embedding_dim)
        self.queue, self.position = functional.normalize(queue, dim=1), 0
        shape = (flags.batch_size, 3, flags.image_size, flags.image_size)
        self.strong, self.weak = (
            torch.randn(shape).to(memory_format=torch.channels_last) for _ in "sw"
        )
        self.optimizer = torch.optim.SGD(
            self.online.parameters(), lr=0.06, momentum=0.9, weight_decay=5e-4
        )
        self.bfloat16 = flags.bfloat16

    def step(self):
        """Take a step by equations 2 to 4 of the paper; return the loss."""
        with torch.no_grad():
            parameters = zip(
                self.target.parameters(), self.online.parameters(), strict=True
            )
            for target, online in parameters:
                target.lerp_(online, 0.01)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            with torch.no_grad():
                keys = self.target(self.weak)
            queries = self.online(self.strong)
        keys, queries = (
            functional.normalize(x.float(), dim=1) for x in (keys, queries)
        )
        teacher = functional.softmax(keys @ self.queue.T / 0.04, dim=1)
        student = functional.log_softmax(queries @ self.queue.T / 0.1, dim=1)
        loss = -(teacher * student).sum(1).mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.enqueue(keys)
        return loss.item()

    def enqueue(self, keys):
        """Write keys over the oldest rows of the queue."""
        rows = (self.position + torch.arange(len(keys))) % len(self.queue)
        self.queue[rows] = keys
        self.position = int(rows[-1]) + 1

    def rate(self, seconds):
        """Return images a second over so many seconds."""
        start, images = time.perf_counter(), 0
        while (passed := time.perf_counter() - start) < seconds or not images:
            self.step()
            images += len(self.strong)
        return images / (passed or time.perf_counter() - start)


def main():
    """Print the figures of a trainer, or serve them for lines of stdin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--image_size", type=int, default=32)
    parser.add_argument("--queue_size", type=int, default=4096)
    parser.add_argument("--hidden_dim", type=int, default=2048)
    parser.add_argument("--embedding_dim", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--serve", action="store_true")
    flags = parser.parse_args()
    torch.manual_seed(0)
    trainer = Trainer(flags)
    if flags.serve:
        for line in sys.stdin:
            print(trainer.rate(float(line)), flush=True)
        return
    trainer.rate(flags.seconds / 4)
    figures = {"images_per_second": trainer.rate(flags.seconds)}
    print(json.dumps({**figures, **vars(flags), "torch": torch.__version__}))


if __name__ == "__main__":
    main()
