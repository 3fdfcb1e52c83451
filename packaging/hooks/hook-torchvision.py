"""What torchvision loads by its path: its operators (non-maximum suppression among them) and image codecs."""

from PyInstaller.utils.hooks import PY_DYLIB_PATTERNS, collect_dynamic_libs

binaries = collect_dynamic_libs("torchvision", search_patterns=[*PY_DYLIB_PATTERNS, "*_stable*"])
module_collection_mode = "pyz+py"  # torch.jit reads sources
