"""Qt's plug-ins without those for GTK and for screens without a desktop: the first would bring forty libraries of the
system that builds, which quarrel with those of the system that runs; file dialogs come from the desktop's portal."""

from PyInstaller.utils.hooks.qt import add_qt6_dependencies

LEFT_OUT = (
    "libqgtk3",
    "eglfs",
    "linuxfb",
    "libqvnc",
    "libqvkkhrdisplay",
    "libqminimal",
    "/plugins/generic/",
    "egldeviceintegrations",
)

hiddenimports, binaries, datas = add_qt6_dependencies(__file__)
binaries = [entry for entry in binaries if not any(part in entry[0].replace("\\", "/") for part in LEFT_OUT)]
