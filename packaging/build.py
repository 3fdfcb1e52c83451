"""Makes the program folder `dist/Schliff` for the system this runs on, then starts what it made and checks it.

    python -m uv run --group build python packaging/build.py [--torch cpu] [--skip-check]

Packs the environment it runs in. With --torch it makes one in `build/` first, with that build of torch; see packaging/README.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD, DIST = ROOT / "build", ROOT / "dist"
MADE = BUILD / "packaging"
SIDES = (16, 24, 32, 48, 64, 128, 256, 512)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--torch", metavar="BUILD", help="cpu, or a version of CUDA as uv names it: cu130; fetched anew"
    )
    parser.add_argument("--dist", type=Path, default=DIST, help="where the folder goes (default %(default)s)")
    parser.add_argument("--skip-check", action="store_true", help="don't start what was made")
    args = parser.parse_args()
    check = [] if not args.skip_check else ["--skip-check"]
    if args.torch:
        python = environment_with(args.torch)
        return subprocess.run([python, Path(__file__), "--dist", args.dist / args.torch, *check]).returncode
    folder = build(args.dist.resolve())
    if args.skip_check:
        return 0
    return subprocess.run([sys.executable, ROOT / "packaging" / "check_build.py", folder]).returncode


def environment_with(torch: str) -> Path:
    """The Python of a fresh environment with all that Schliff needs and this build of torch and torchvision, from the
    place that uv knows for it."""
    home = BUILD / f"environment-{torch}"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, home], check=True)
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    subprocess.run(
        [*uv, "pip", "install", "--python", python, "--torch-backend", torch, "--editable", ROOT, "--group", f"{ROOT / 'pyproject.toml'}:build"],
        check=True,
    )  # fmt: skip
    return python


def build(dist: Path) -> Path:
    """The folder that was made."""
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir(parents=True)
    version = metadata.version("schliff")
    (MADE / "version.txt").write_text(version, "utf-8")
    (MADE / "version_info.txt").write_text(windows_version(version), "utf-8")
    draw_icons(MADE)
    subprocess.run(
        [sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--distpath", dist, "--workpath", BUILD,
         ROOT / "packaging" / "schliff.spec"],
        check=True, cwd=ROOT, env=os.environ | {"SCHLIFF_BUILD": str(MADE)},
    )  # fmt: skip
    folder = dist / "Schliff"
    if sys.platform.startswith("linux"):
        beside = [ROOT / "resources" / "schliff.svg", *(ROOT / "packaging" / "linux").iterdir()]
    else:
        beside = [*(ROOT / "packaging" / "windows").iterdir()] if sys.platform == "win32" else []
    for path in beside:
        shutil.copy(path, folder)
    return folder


def draw_icons(folder: Path) -> None:
    """The program's icon from its drawing, in the forms that systems want."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PIL import Image
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication(sys.argv[:1])
    drawing = QSvgRenderer(str(ROOT / "resources" / "schliff.svg"))
    assert application is not None
    assert drawing.isValid()

    def drawn(side: int) -> Image.Image:
        picture = QImage(side, side, QImage.Format.Format_RGBA8888)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        drawing.render(painter)
        painter.end()
        return Image.frombytes("RGBA", (side, side), bytes(picture.constBits()))

    pictures = {side: drawn(side) for side in SIDES}
    pictures[256].save(folder / "schliff.png")
    small = [pictures[side] for side in SIDES if side <= 256]
    small[-1].save(folder / "schliff.ico", sizes=[one.size for one in small], append_images=small[:-1])
    pictures[512].save(folder / "schliff.icns", append_images=[pictures[side] for side in SIDES[:-1]])


def windows_version(version: str) -> str:
    """What Windows shows under "Details" of the program's properties."""
    parts = tuple([*(int(part) for part in version.split(".")[:3]), 0, 0, 0, 0][:4])
    return f"""VSVersionInfo(
  ffi=FixedFileInfo(filevers={parts}, prodvers={parts}, mask=0x3f, flags=0x0, OS=0x40004, fileType=0x1, subtype=0x0),
  kids=[
    StringFileInfo([StringTable("040904B0", [
      StringStruct("FileDescription", "Schliff: defects in polished sections"),
      StringStruct("FileVersion", "{version}"), StringStruct("ProductName", "Schliff"),
      StringStruct("ProductVersion", "{version}"), StringStruct("LegalCopyright", "MIT licence"),
    ])]),
    VarFileInfo([VarStruct("Translation", [1033, 1200])]),
  ],
)
"""


if __name__ == "__main__":
    sys.exit(main())
