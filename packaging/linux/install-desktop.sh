#!/bin/sh
# Puts Schliff into this user's menus, and offers it for CZI and TIFF files and for project folders. Run it once, where
# the folder will stay; with --remove it takes all of that back. Nothing is changed for other users.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
data=${XDG_DATA_HOME:-$HOME/.local/share}
entry=$data/applications/schliff.desktop
icon=$data/icons/hicolor/scalable/apps/schliff.svg
types=$data/mime/packages/schliff.xml

if [ "${1:-}" = --remove ]; then
    rm -f "$entry" "$icon" "$types"
else
    case $here in *[\"\`\$\\%\|\&]*)
        echo "Move this folder to a place without any of \" \` \$ \\ % | & in its path, then run it again." >&2
        exit 2 ;;
    esac
    mkdir -p "$(dirname "$entry")" "$(dirname "$icon")" "$(dirname "$types")"
    sed "s|@FOLDER@|$here|g" "$here/schliff.desktop" > "$entry"
    cp "$here/schliff.svg" "$icon"
    cat > "$types" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="application/x-schliff-section"><comment>Zeiss CZI microscope image</comment><glob pattern="*.czi"/></mime-type>
</mime-info>
XML
    printf '%s\n' "$entry" "$icon" "$types"
fi
if command -v update-mime-database >/dev/null; then update-mime-database "$data/mime"; fi
if command -v update-desktop-database >/dev/null; then update-desktop-database "$data/applications"; fi
