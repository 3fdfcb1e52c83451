#!/bin/sh
# Puts Schliff into this user's menus, and offers it for CZI and TIFF files and for project folders. Run it once, where
# the folder will stay. Nothing is changed for other users; remove the two files it names to undo it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
mkdir -p "$data/applications" "$data/mime/packages"
sed "s|@FOLDER@|$here|g" "$here/schliff.desktop" > "$data/applications/schliff.desktop"
cat > "$data/mime/packages/schliff.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="application/x-schliff-section"><comment>Zeiss CZI microscope image</comment><glob pattern="*.czi"/></mime-type>
</mime-info>
XML
command -v update-mime-database >/dev/null && update-mime-database "$data/mime" || true
command -v update-desktop-database >/dev/null && update-desktop-database "$data/applications" || true
echo "$data/applications/schliff.desktop"
echo "$data/mime/packages/schliff.xml"
