"""Compiles a module that XLA dumped ahead of time for described GPUs: no GPU, no driver, no cuDNN.

python aot.py MODULE.hlo.pb OUT CARD.txtpb ...

Prints a line of JSON per card: its name, OUT/CARD.txt (the compiled HLO), the seconds it took, and per compiled kernel
what ptxas says of it. Needs jax, jaxlib, jax-cuda12-pjrt and nvidia-cuda-nvcc-cu12.
"""

import concurrent.futures
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import time

MODULE, OUT, *CARDS = map(pathlib.Path, sys.argv[1:])
DUMP = OUT / "ptx"


def folder_of(package):
    """Where a package lies, without importing it."""
    return pathlib.Path(next(iter(importlib.util.find_spec(package).submodule_search_locations)))


NVCC = folder_of("nvidia.cuda_nvcc")
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["XLA_FLAGS"] = f"--xla_gpu_cuda_data_dir={NVCC} --xla_gpu_autotune_level=0 --xla_dump_to={DUMP}"

from jax._src.interpreters.mlir import make_ir_context  # noqa: E402
from jax._src.lib import _jax  # noqa: E402
from jax._src.lib import xla_client  # noqa: E402
from jax._src.lib.mlir import ir  # noqa: E402


def first_field(message):
    """The bytes of field 1 of a protocol buffer whose fields are all length-delimited: HloProto's module."""
    place = 0

    def varint():
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(message):
        field, length = varint() >> 3, varint()
        if field == 1:
            return message[place : place + length]
        place += length
    raise ValueError("no HLO module in the file")


def parsed(module):
    with make_ir_context():
        return ir.Module.parse(module)


def stable_hlo(path):
    """The module in StableHLO, which has no copy: a reshape to the same shape is one."""
    module = parsed(_jax.mlir.hlo_to_stablehlo(first_field(path.read_bytes())))
    text = module.operation.get_asm(large_elements_limit=None)
    text = re.sub(r"mhlo\.copy (%[\w#]+)(?: \{[^}]*\})? : (tensor<[^>]*>)", r"stablehlo.reshape \1 : (\2) -> \2", text)
    if "mhlo.copy" in text:
        raise ValueError("a copy in a form that is not known")
    return text


def resources(ptx):
    """Registers and spilled bytes of the kernels in a file of PTX, as ptxas says."""
    target = re.search(r"^\.target (\w+)", ptx.read_text(), re.M).group(1)
    words = [NVCC / "bin/ptxas", "-v", "--gpu-name", target, "-o", os.devnull, ptx]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stderr
    names = re.findall(r"Compiling entry function '([^']+)'", said)
    spills = re.findall(r"(\d+) bytes spill stores, (\d+) bytes spill loads", said)
    return [{"kernel": name, "spilled": int(a) + int(b)} for name, (a, b) in zip(names, spills)]


def compile_for(card, text, plugin):
    began = time.time()
    topology = xla_client.make_c_api_device_topology(
        plugin, "cuda_topology", target_config=card.read_text(), topology="1x1x1"
    )
    devices = topology._make_compile_only_devices()
    module = parsed(text)
    options = xla_client.CompileOptions()
    compiled = devices[0].client.compile(module, _jax.DeviceList(tuple(devices)), options)
    program = OUT / f"{card.stem}.txt"
    program.write_text(compiled.hlo_modules()[0].to_string())
    files = sorted(DUMP.glob("*.ptx"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        kernels = [kernel for some in pool.map(resources, files) for kernel in some]
    for file in DUMP.iterdir():
        file.unlink()
    seconds = round(time.time() - began, 1)
    print(json.dumps({"card": card.stem, "program": str(program), "seconds": seconds, "kernels": kernels}), flush=True)


def main():
    library = folder_of("jax_plugins.xla_cuda12") / "xla_cuda_plugin.so"
    plugin = xla_client.load_pjrt_plugin_dynamically("cuda", str(library))
    text = stable_hlo(MODULE)
    for card in CARDS:
        compile_for(card, text, plugin)


main()
