"""Decides what may be in a Schliff that others are given: permissive licences and the LGPL, not the GPL.

`python packaging/licences.py` says it of every package that Schliff needs, and fails where one is not allowed. When a
program is built, `write` looks at each file that went in, and puts the licence texts of all of them into a folder.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from core.licences import ROOT, Carried, about, allowed, needed, python, write_index

FOLDER = Path(__file__).resolve().parent.parent

# Libraries of the system that builds, and their licences: whatever isn't listed must be looked at first.
SYSTEM_LIBRARIES = {
    r"libxcb(-\w+)*|libX\w+(-xcb)?|libxkbcommon(-x11)?|libfontconfig|libexpat|libffi|libICE|libSM": "MIT",
    r"libdbus-1": "AFL-2.1 OR GPL-2.0-or-later",
    r"lib(glib|gthread|gio|gobject|gmodule)-2\.0|libblkid|libmount|libsystemd|libgcrypt|libgpg-error|libkeyutils": "LGPL-2.1-or-later",
    r"libcap": "BSD-3-Clause OR GPL-2.0-only",
    r"libfreetype": "FTL OR GPL-2.0-or-later",
    r"libgcc_s|libstdc\+\+|libgomp|libgfortran|libquadmath": "GPL-3.0-or-later WITH GCC-exception-3.1",
    r"libpng16": "libpng-2.0",
    r"libz": "Zlib",
    r"libzstd|liblz4|libpcre2-8|libbsd|libmd|libuuid": "BSD-3-Clause",
    r"liblzma|libsqlite3|libselinux": "public domain",
    r"libbz2": "bzip2-1.0.6",
    r"libbrotli\w+|libk5crypto|libkrb5(support)?|libgssapi_krb5|libcom_err|libncursesw?|libpanelw?|libtinfo": "MIT",
    r"libssl|libcrypto": "Apache-2.0",
    r"libjpeg": "IJG AND BSD-3-Clause",
    r"libwayland-\w+|libEGL|libGL\w*|libdrm": "MIT",
    r"vcruntime\d+(_\d)?|msvcp\d+(_\w+)?|ucrtbase|concrt\d+": "Microsoft's, made to be passed on",
}


def main() -> int:
    parts = [about(name) for name in sorted(needed(ROOT), key=str.lower)]
    for part in parts:
        print(f"{part.name:<32}{part.version:<16}{part.licence}{'' if allowed(part.licence) else '   NOT ALLOWED'}")
    return 0 if all(allowed(part.licence) for part in parts) else 1


def write(folder: Path, files: Iterable[str]) -> list[Carried]:
    """The licence texts of all that these files of this machine belong to, into `folder`.

    Raises SystemExit where one of them is under a licence that isn't allowed, or that nobody has looked at.
    """
    parts = carriers(files)
    bad = [f"{part.name}: {part.licence}" for part in parts if not allowed(part.licence) or part.licence == UNKNOWN]
    if bad:
        raise SystemExit("These may not be part of the program:\n" + "\n".join(bad))
    write_index(parts, folder)
    return parts


UNKNOWN = "unknown; look it up, then name it in packaging/licences.py"


def carriers(files: Iterable[str]) -> list[Carried]:
    """The packages, and the libraries of this system, that files belong to. Schliff and Python are always there."""
    packages: set[str] = {ROOT}
    parts = {"Python": python(), "PyInstaller": _starter()}
    for path in {Path(file) for file in files}:
        name = _owners().get(str(path)) or _owners().get(str(path.resolve()))
        if name is not None:
            packages.add(name)
        elif not _own(path) and not _of_python(path):
            library = system_library(path)
            parts[library.name] = library
    return [*(about(name) for name in packages - {"pyinstaller"}), *parts.values()]


def system_library(path: Path) -> Carried:
    """What a library of this system is, by its name; on Debian and its kin with the text that its package brings."""
    stem = re.split(r"\.so\b|\.dll$|\.dylib$", path.name)[0]
    licence = next((known for names, known in SYSTEM_LIBRARIES.items() if re.fullmatch(names, stem)), UNKNOWN)
    package = _debian_package(path)
    text = Path("/usr/share/doc") / package / "copyright"
    return Carried(stem, platform.system(), licence, (text,) if package and text.is_file() else ())


def _starter() -> Carried:
    """What starts a built program. Its licence is the GPL with an exception for programs made by it."""
    made_by = about("pyinstaller")
    return Carried("PyInstaller", made_by.version, "GPL-2.0-or-later WITH Bootloader-exception", made_by.texts)


@cache
def _owners() -> dict[str, str]:
    """Which package each installed file belongs to."""
    return {
        os.path.normpath(str(file.locate())): name
        for found in metadata.distributions()
        for name in (found.metadata["Name"],)
        for file in found.files or ()
    }


def _own(path: Path) -> bool:
    return path.is_relative_to(FOLDER) and not path.is_relative_to(sys.prefix)


def _of_python(path: Path) -> bool:
    if "libpython" in path.name or path.is_relative_to(sysconfig.get_path("stdlib")):
        return True
    return sys.platform != "linux" and path.is_relative_to(sys.base_prefix)


def _debian_package(path: Path) -> str:
    for place in (path, path.resolve()):
        try:
            told = subprocess.run(["dpkg", "-S", place], capture_output=True, text=True)
        except OSError:
            return ""
        if told.returncode == 0:
            return told.stdout.split(":")[0]
    return ""


if __name__ == "__main__":
    sys.exit(main())
