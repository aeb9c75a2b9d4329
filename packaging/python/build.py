"""Writes a wheel that carries the wa-fix binary. Only Python's standard library is used.

    python3 packaging/python/build.py --binary target/release/wa-fix --out dist [--tag manylinux_2_28_x86_64]

The binary is a script of the wheel, as pip puts it on the PATH: no Python is started when wa-fix is. The same input makes
the same bytes.
"""

import argparse
import base64
import hashlib
import pathlib
import re
import sys
import sysconfig
import tomllib
import zipfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--tag", help="the platform tag; by default that of this machine and of what the binary needs")
    arguments = parser.parse_args()
    if not arguments.binary.is_file():
        sys.exit(f"build.py: {arguments.binary} is no file; build it with cargo build --release --locked")
    binary = arguments.binary.read_bytes()
    package = tomllib.loads((TOP / "Cargo.toml").read_text())["package"]
    tag = arguments.tag or platform_tag(binary)
    arguments.out.mkdir(parents=True, exist_ok=True)
    print(write_wheel(arguments.out, package, binary, tag))


def platform_tag(binary: bytes) -> str:
    """The tag of this machine; on Linux with the newest glibc that the binary asks for."""
    tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    if not tag.startswith("linux_"):
        return tag
    versions = {int(minor) for minor in re.findall(rb"\0GLIBC_2\.(\d+)", binary)}
    if not versions:
        # Static: runs with any C library.
        return tag.replace("linux_", "manylinux_2_17_", 1) + "." + tag.replace("linux_", "musllinux_1_1_", 1)
    return tag.replace("linux_", f"manylinux_2_{max(17, *versions)}_", 1)


def write_wheel(out: pathlib.Path, package: dict, binary: bytes, tag: str) -> pathlib.Path:
    version = package["version"]
    stem = f"wa_fix-{version}"
    info = f"{stem}.dist-info"
    program = "wa-fix.exe" if tag.startswith("win") else "wa-fix"
    metadata = [
        "Metadata-Version: 2.4",
        "Name: wa-fix",
        f"Version: {version}",
        f"Summary: {package['description']}",
        f"License-Expression: {package['license']}",
        "License-File: LICENSE",
        "Requires-Python: >=3.8",
        "Description-Content-Type: text/markdown",
        "",
        (TOP / package["readme"]).read_text(encoding="utf-8"),
    ]
    wheel = ["Wheel-Version: 1.0", "Generator: wa-fix", "Root-Is-Purelib: false"]
    wheel += [f"Tag: py3-none-{part}" for part in tag.split(".")]
    files = {
        f"{stem}.data/scripts/{program}": (binary, 0o755),
        f"{info}/METADATA": ("\n".join(metadata).encode(), 0o644),
        f"{info}/WHEEL": (("\n".join(wheel) + "\n").encode(), 0o644),
        f"{info}/licenses/LICENSE": ((TOP / "LICENSE").read_bytes(), 0o644),
    }
    record = [f"{name},sha256={digest(data)},{len(data)}" for name, (data, _) in files.items()]
    record.append(f"{info}/RECORD,,")
    files[f"{info}/RECORD"] = (("\n".join(record) + "\n").encode(), 0o644)
    path = out / f"{stem}-py3-none-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (data, mode) in files.items():
            # The date of every entry: nothing of the machine gets in.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, data)
    return path


def digest(data: bytes) -> str:
    """As RECORD has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    main()
