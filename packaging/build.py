"""Makes the program folder `dist/Schliff` for the system this runs on, then starts what it made and checks it.

    python -m uv run --group build python packaging/build.py [--skip-check]

Needs the environment that Schliff runs from (with its own torch: the one installed decides whether the build is for
graphics cards or for processors alone, see packaging/README.md).
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
MADE, DIST = ROOT / "build" / "packaging", ROOT / "dist"
ACCENT = "#0f766e"
SIDES = (16, 24, 32, 48, 64, 128, 256, 512)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skip-check", action="store_true", help="don't start what was made")
    args = parser.parse_args()
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir(parents=True)
    version = metadata.version("schliff")
    (MADE / "version.txt").write_text(version, "utf-8")
    (MADE / "version_info.txt").write_text(windows_version(version), "utf-8")
    draw_icons(MADE)
    subprocess.run([sys.executable, ROOT / "packaging" / "licences.py", "--texts", MADE / "licences"], check=True)
    subprocess.run(
        [sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--distpath", DIST, "--workpath", ROOT / "build",
         ROOT / "packaging" / "schliff.spec"],
        check=True, cwd=ROOT,
    )  # fmt: skip
    folder = DIST / "Schliff"
    if sys.platform.startswith("linux"):
        shutil.copy(MADE / "schliff.png", folder)
        for name in ("schliff.desktop", "install-desktop.sh"):
            shutil.copy(ROOT / "packaging" / "linux" / name, folder)
    if args.skip_check:
        return 0
    return subprocess.run([sys.executable, ROOT / "packaging" / "check_build.py", folder]).returncode


def draw_icons(folder: Path) -> None:
    """The program's icon from its drawing, in the forms that systems want."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from io import BytesIO

    from PIL import Image
    from PySide6.QtCore import QBuffer, QRectF
    from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPixmap

    from app.icons import icon_pixmap

    application = QGuiApplication.instance() or QGuiApplication(sys.argv[:1])
    assert application is not None

    def drawn(side: int) -> Image.Image:
        picture = QPixmap(side, side)
        picture.fill(QColor(0, 0, 0, 0))
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(ACCENT))
        painter.setPen(QColor(0, 0, 0, 0))
        painter.drawRoundedRect(QRectF(0, 0, side, side), 0.2 * side, 0.2 * side)
        inner = round(0.84 * side)
        painter.drawPixmap((side - inner) // 2, (side - inner) // 2, icon_pixmap("sample", inner, QColor("white")))
        painter.end()
        buffer = QBuffer()
        buffer.open(QBuffer.OpenModeFlag.WriteOnly)
        picture.save(buffer, "PNG")
        return Image.open(BytesIO(bytes(buffer.data().data())))

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
