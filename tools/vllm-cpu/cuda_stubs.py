"""Builds stand-ins for the CUDA libraries that PyTorch's package links against and that are not installed.

usage: cuda_stubs.py SITE_PACKAGES     (needs gcc and readelf)

Nothing of CUDA is emulated. The dynamic linker only wants every library and symbol to be there when PyTorch is loaded;
each function of a stand-in answers "no device" or an error, so PyTorch finds no GPU and computes on the CPU. What a
stand-in must export is read from PyTorch's own libraries: undefined symbols, and which version of which library they
are bound to.
"""

import collections
import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile

CUDA_LIBRARY = re.compile(r"lib(cu|nv|nccl)")
# The driver. PyTorch asks for it at run time and takes its absence for an answer.
NOT_LINKED = {"libcuda.so.1"}

# Owners of symbols without a version, the most specific beginning first.
OWNERS = [
    ("cudnn", "libcudnn.so."),
    ("cublasLt", "libcublasLt.so."),
    ("cublas", "libcublas.so."),
    ("cusparseLt", "libcusparseLt.so."),
    ("cusparse", "libcusparse.so."),
    ("cusolver", "libcusolver.so."),
    ("cufft", "libcufft.so."),
    ("curand", "libcurand.so."),
    ("cuFile", "libcufile.so."),
    ("nccl", "libnccl.so."),
    ("pnccl", "libnccl.so."),
    ("nvshmem", "libnvshmem_host.so."),
    ("nvrtc", "libnvrtc.so."),
    ("cupti", "libcupti.so."),
    ("cuda", "libcudart.so."),
    ("__cuda", "libcudart.so."),
]

# https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html: cudaErrorNoDevice
NO_DEVICE = 100
SUCCEED = {
    "cudaGetLastError",
    "cudaPeekAtLastError",
    "cudaStreamIsCapturing",
    "cudnnGetVersion",
    "cudnnGetCudartVersion",
    "cublasLtGetVersion",
    "cublasLtGetCudartVersion",
}


@dataclasses.dataclass
class Symbols:
    """What PyTorch's libraries ask of others."""

    libraries: set[str] = dataclasses.field(default_factory=set)
    defined: set[str] = dataclasses.field(default_factory=set)
    # (symbol, version, library that the version belongs to); the latter two are empty for symbols without a version.
    undefined: set[tuple[str, str, str]] = dataclasses.field(default_factory=set)


def readelf(option: str, path: pathlib.Path) -> list[str]:
    command = ["readelf", "-W", option, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def read_symbols(paths: list[pathlib.Path]) -> Symbols:
    symbols = Symbols()
    for path in paths:
        for line in readelf("--dynamic", path):
            needed = re.search(r"\(NEEDED\).*\[(.+?)\]", line)
            if needed and CUDA_LIBRARY.match(needed[1]) and needed[1] not in NOT_LINKED:
                symbols.libraries.add(needed[1])
        owners = version_owners(path)
        for line in readelf("--dyn-syms", path):
            fields = line.split()
            if len(fields) < 8 or not fields[0].endswith(":"):
                continue
            binding, section, (name, _, version) = fields[4], fields[6], fields[7].partition("@")
            version = version.lstrip("@")
            if section != "UND":
                symbols.defined.add(name)
            elif name and binding != "WEAK":
                symbols.undefined.add((name, version, owners.get(version, "")))
    return symbols


def version_owners(path: pathlib.Path) -> dict[str, str]:
    owners: dict[str, str] = {}
    library = ""
    for line in readelf("--version-info", path):
        if found := re.search(r"File: (\S+)", line):
            library = found[1]
        if found := re.search(r"Name: (\S+)\s+Flags", line):
            owners.setdefault(found[1], library)
    return owners


def exports_of(symbols: Symbols) -> dict[str, dict[str, set[str]]]:
    """Library → version → names. Every missing library is in it, also one of which nothing is asked by name."""
    exports: dict[str, dict[str, set[str]]] = {
        library: collections.defaultdict(set) for library in sorted(symbols.libraries)
    }
    for name, version, owner in symbols.undefined:
        if owner in exports:
            exports[owner][version].add(name)
        elif not version and name not in symbols.defined and (library := owner_of(name, symbols.libraries)):
            exports[library][""].add(name)
    return exports


def owner_of(name: str, libraries: set[str]) -> str | None:
    for prefix, soname in OWNERS:
        if name.startswith(prefix):
            return next((library for library in sorted(libraries) if library.startswith(soname)), None)
    return None


def body_of(name: str) -> str:
    if name == "__cudaRegisterFatBinary":
        return "static void* handles[2]; return (long)handles;"
    if re.search(r"Get(Error|Result)?String|GetErrorName|GetLastErrorString", name):
        return 'return (long)"CUDA is not installed";'
    if name.startswith("__cuda") or name in SUCCEED:
        return "return 0;"
    return f"return {NO_DEVICE if name.startswith('cuda') else 1};"


def build(library: pathlib.Path, exports: dict[str, set[str]]) -> None:
    names = sorted(name for group in exports.values() for name in group if re.fullmatch(r"\w+", name))
    source = "\n".join(f"long {name}(void) {{ {body_of(name)} }}" for name in names)
    versions = "\n".join(
        f"{version} {{ global: {' '.join(f'{name};' for name in sorted(group))} }};"
        for version, group in exports.items()
        if version
    )
    with tempfile.TemporaryDirectory() as folder:
        source_file, map_file = pathlib.Path(folder, "stub.c"), pathlib.Path(folder, "stub.map")
        source_file.write_text(source + "\n")
        map_file.write_text(versions + "\n")
        command = ["gcc", "-shared", "-fPIC", "-O1", "-w", "-s", f"-Wl,-soname,{library.name}", "-o", str(library)]
        command += [f"-Wl,--version-script,{map_file}"] if versions else []
        subprocess.run([*command, str(source_file)], check=True)


def main(site_packages: pathlib.Path) -> None:
    folder = site_packages / "torch" / "lib"
    paths = [path for path in sorted(folder.glob("*.so")) if not path.is_symlink()]
    for soname, exports in exports_of(read_symbols(paths)).items():
        if not any(site_packages.glob(f"nvidia/*/lib/{soname}")):
            build(folder / soname, exports)


main(pathlib.Path(sys.argv[1]).resolve())
