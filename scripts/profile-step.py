#!/usr/bin/env python3
"""Times the kernels of a training step that profile-step.js wrote as a SavedModel: profile-step.py FOLDER OPS."""

import collections
import re
import sys
import time

import numpy
import tensorflow.compat.v1 as tf

RUNS = 5
# What a kernel's name says of its kind; the first that fits counts.
KINDS = (
    ("depthwise convolution", r"DepthwiseConv2d"),
    ("convolution", r"Conv2D"),
    ("batch normalisation", r"BatchNorm"),
    ("matrix product", r"MatMul"),
    ("reads and assignments", r"Variable|VarHandle"),
    ("pooling", r"Pool"),
    ("tensors moved: transposed, split, joined, padded", r"Transpose|Split|Concat|Slice|Pad"),
    ("everything elementwise, and the rest", r""),
)


def feeds_of(signature):
    """Any values will do: kernels take no shorter way for some of them."""
    values = {}
    for port in signature.inputs.values():
        shape = [dimension.size for dimension in port.tensor_shape.dim]
        if port.dtype == tf.float32.as_datatype_enum:
            values[port.name] = numpy.random.uniform(0.01, 0.05, shape).astype(numpy.float32)
        else:
            values[port.name] = numpy.zeros(shape, numpy.int32)
    return values


def outputs_of(signature):
    return [port.name for port in signature.outputs.values()]


def kind_of(op):
    return next(kind for kind, pattern in KINDS if re.search(pattern, op))


class Graph:
    """The graph as it ran, and what each of its nodes depends on."""

    def __init__(self, metadata, groups):
        self.nodes = {node.name: node for part in metadata.partition_graphs for node in part.node}
        self.groups = groups
        self.sources = {}
        updates = [name for name in self.nodes if "learningRate" in self.sources_of(name)]
        self.first_update = min(map(self.index, updates))

    @staticmethod
    def index(name):
        """Position of a node in the recorded step; most names end in it."""
        found = re.match(r"train/(?!assign)[A-Za-z0-9]+_(\d+)$", name)
        return int(found[1]) if found else sys.maxsize

    def sources_of(self, name):
        """Groups of variables, and the learning rate, that a node's value depends on."""
        if name not in self.sources:
            found = {"learningRate"} if "feed/learningRate" in name else set()
            found |= {self.groups[name]} if name in self.groups else set()
            node = self.nodes.get(name)
            for reference in node.input if node is not None else ():
                if not reference.startswith("^"):
                    found |= self.sources_of(reference.split(":")[0])
            self.sources[name] = frozenset(found)
        return self.sources[name]

    def part_of(self, name):
        sources = self.sources_of(name)
        if "constants" in sources and "state" not in sources:
            return "frozen teacher"
        # The update of the first parameter begins with its weight decay, a few nodes before its learning rate.
        if sys.maxsize > self.index(name) >= self.first_update - 5 or name.startswith("train/assign"):
            return "optimizer and metrics"
        return "trained model" if "state" in sources else "images and labels"


def groups_of(graph):
    """The group of each variable, from the assignments that fill it."""
    groups = {}
    for operation in graph.get_operations():
        found = re.match(r"push/(\w+)/assign_", operation.name)
        if found:
            groups[operation.inputs[0].op.name] = found[1]
    return groups


def main(folder, ops):
    tf.load_op_library(ops)
    sys.setrecursionlimit(100_000)
    tf.disable_eager_execution()
    times = collections.Counter()
    with tf.Graph().as_default(), tf.Session() as session:
        signatures = tf.saved_model.load(session, ["serve"], folder).signature_def
        groups = groups_of(session.graph)
        for name, signature in signatures.items():
            if name.startswith("push/"):
                session.run(outputs_of(signature), feeds_of(signature))
        feeds, outputs = feeds_of(signatures["train"]), outputs_of(signatures["train"])
        for _ in range(3):
            session.run(outputs, feeds)
        walls = []
        for _ in range(RUNS):
            started = time.perf_counter()
            session.run(outputs, feeds)
            walls.append(time.perf_counter() - started)
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE, output_partition_graphs=True)
        for _ in range(RUNS):
            metadata = tf.RunMetadata()
            session.run(outputs, feeds, options=options, run_metadata=metadata)
            graph = Graph(metadata, groups)
            for device in metadata.step_stats.dev_stats:
                for stats in device.node_stats:
                    node = graph.nodes.get(stats.node_name)
                    if node is None:
                        continue
                    spent = (stats.op_end_rel_micros - stats.op_start_rel_micros) / 1000 / RUNS
                    times[graph.part_of(node.name), kind_of(node.op)] += spent
    total = sum(times.values())
    print(f"TensorFlow {tf.__version__}, {1000 * sorted(walls)[RUNS // 2]:.0f} ms per step without tracing")
    print(f"kernels take {total:.0f} ms, those of different threads added up; of that:\n")
    for (part, kind), spent in times.most_common():
        if spent >= 0.001 * total:
            print(f"{100 * spent / total:5.1f} %  {spent:7.1f} ms  {part}: {kind}")


main(*sys.argv[1:])
